"""The table a reader quotes: anisotropy of both kinds, one row a task, model and checkpoint."""

import numpy as np

from engine.statistics import mean_interval


def summary_rows(arrays, lags, checkpoints, at_lags):
    """Rows (dicts) of one model on one task from its arrays (seed, checkpoint, ...): mean and 95% interval over seeds.

    AI spans orders of magnitude, so its mean and interval are taken over log AI (the mean is the geometric one).
    """
    columns = {}
    for lag in at_lags:
        i = list(lags).index(lag)
        columns[f"jacobian_AI_lag{lag}"] = log_interval(arrays["jacobian_anisotropy"][:, :, i])
        columns[f"jacobian_CE_lag{lag}"] = mean_interval(arrays["jacobian_energy"][:, :, i])
    columns["gradient_AI"] = log_interval(arrays["gradient_anisotropy"])
    columns["gradient_CE"] = mean_interval(arrays["gradient_energy"])
    seeds = np.isfinite(arrays["gradient_energy"]).sum(axis=0)
    return [
        {"checkpoint": checkpoint, "seeds": int(seeds[i])}
        | {
            name + suffix: values[i]
            for name, interval in columns.items()
            for suffix, values in zip(("", "_low", "_high"), interval, strict=True)
        }
        for i, checkpoint in enumerate(checkpoints)
    ]


def log_interval(x):
    """`mean_interval` taken over log x."""
    return tuple(np.exp(bound) for bound in mean_interval(np.log(x)))


def markdown(rows, keys, values):
    """The rows as a Markdown table: `keys` as they are, `values` as mean [low, high]."""

    def cell(row, name):
        return f"{row[name]:.3g} [{row[name + '_low']:.3g}, {row[name + '_high']:.3g}]"

    lines = [[*keys, *values], ["---"] * (len(keys) + len(values))]
    lines += [[*(str(row[key]) for key in keys), *(cell(row, name) for name in values)] for row in rows]
    return "\n".join("| " + " | ".join(line) + " |" for line in lines) + "\n"
