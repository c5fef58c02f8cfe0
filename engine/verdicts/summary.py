"""The table a reader quotes: losses and anisotropy of both kinds, one row a task, model and checkpoint."""

import numpy as np

from engine.common.statistics import mean_interval


def summary_rows(arrays, lags, checkpoints, at_lags):
    """Rows (dicts) of one model on one task from its arrays (seed, checkpoint, ...): mean and 95% interval over seeds.

    AI and losses span orders of magnitude, so their means and intervals are taken over logs (means are geometric ones).
    `loss` is that of `loss_before`.
    """
    columns = {}
    for lag in at_lags:
        i = list(lags).index(lag)
        columns[f"jacobian_AI_lag{lag}"] = log_interval(arrays["jacobian_anisotropy"][:, :, i])
        columns[f"jacobian_CE_lag{lag}"] = mean_interval(arrays["jacobian_energy"][:, :, i])
    for name in ("loss", "probe_loss"):
        columns[name] = log_interval(arrays[name])
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


def loss_before(checkpoints, loss, updates=50):
    """Training loss (seed, checkpoint): the mean over the last updates before each, of `loss` (seed, update).

    At checkpoint 0 it is the loss of the first batch, before any update.
    """
    windows = [loss[:, max(0, k - updates) : max(1, k)] for k in checkpoints]
    return np.stack([window.mean(axis=1) for window in windows], axis=1)


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


def markdown_table(rows, columns):
    """Rows (dicts) as a Markdown table; numbers with three digits."""

    def cell(value):
        return f"{value:.3g}" if isinstance(value, float) else str(value)

    lines = [columns, ["---"] * len(columns), *([cell(row[name]) for name in columns] for row in rows)]
    return "\n".join("| " + " | ".join(line) + " |" for line in lines) + "\n"
