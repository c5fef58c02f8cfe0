"""Tables of the definitions beside the released code (docs/differences.md)."""

from itertools import product
from math import isclose

import numpy as np

from engine.common import markdown
from engine.verdicts.summary import loss_before

OF_A_NETWORK = ("jacobian_anisotropy", "jacobian_energy", "gradient_anisotropy", "gradient_energy")
CHANGED = 0.01  # the least relative change that is shown
WORDS = {
    "sensitivity": "S",
    "jacobian_anisotropy": "AI",
    "jacobian_energy": "CE",
    "gradient_anisotropy": "AI of gradients",
    "gradient_energy": "CE of gradients",
    "loss": "training loss",
    "probe_loss": "held-out loss",
    "slope": "slope",
}


def of_networks(measured, training):
    """The quantities (seed, checkpoint, ...) in which trainings are compared, from the files of both."""
    loss = loss_before(measured.checkpoint.values, training.loss.values)
    losses = {"loss": (("seed", "checkpoint"), loss), "probe_loss": training.probe_loss}
    return measured[list(OF_A_NETWORK)].assign(losses)


def one_update_later(ds, checkpoints):
    """The networks after the update that follows each of the checkpoints, under the checkpoint's number."""
    return ds.sel(checkpoint=[k + 1 for k in checkpoints]).assign_coords(checkpoint=list(checkpoints))


def rows(departure, defined, released):
    """One dict for each quantity, checkpoint and lag: the medians over seeds of two datasets.

    Medians are over the seeds of `released`, at its checkpoints. S is shown instead of its log.
    """
    defined = defined.sel(seed=released.seed, checkpoint=released.checkpoint)
    found = []
    for name, variable in released.items():
        of = {dim: variable[dim].values.tolist() for dim in variable.dims if dim != "seed"}
        medians = [np.median(ds[name].values, axis=variable.dims.index("seed")) for ds in (defined, released)]
        pairs = zip(*(shown(name, median).ravel().tolist() for median in medians), strict=True)
        about = {"quantity": name.removeprefix("log_"), "departure": departure, "seeds": released.sizes["seed"]}
        for values, (before, after) in zip(product(*of.values()), pairs, strict=True):
            at = dict(zip(of, values, strict=True))
            found.append(at | {"lag": at.get("lag", "")} | about | {"defined": before, "released": after})
    return found


def shown(name, values):
    """Values as a table shows them: without the log."""
    return np.exp(values) if name.startswith("log_") else values


def rows_of_each(ds, dim="departure"):
    """`rows` of a dataset that has `exact` and the departures from it along `dim`."""
    exact = ds.sel({dim: "exact"}, drop=True)
    departures = [d for d in ds[dim].values.tolist() if d != "exact"]
    return [row for d in departures for row in rows(d, exact, ds.sel({dim: d}, drop=True))]


def table(found, keys, lags):
    """Rows as a Markdown table: one line for each value of `keys`, "defined → released" for changed values.

    Quantities that depend on the lag are shown at `lags`.
    """
    lines = {}
    for row in found:
        if changed(row) and row["lag"] in ("", *lags):
            line = lines.setdefault(tuple(row[key] for key in keys), {})
            line[row["quantity"], row["lag"]] = "{defined:.3g} → {released:.3g}".format(**row)
    columns = sorted({of for line in lines.values() for of in line}, key=lambda of: (list(WORDS).index(of[0]), of[1]))
    heads = {of: WORDS[of[0]] + (f", lag {of[1]}" if of[1] else "") for of in columns}
    body = [
        dict(zip(keys, of, strict=True)) | {head: line.get(column, "") for column, head in heads.items()}
        for of, line in lines.items()
    ]
    return markdown.table(body, [*keys, *heads.values()])


def changed(row):
    """Whether a row changes by more than CHANGED of the larger value, or has a NaN."""
    return not isclose(row["defined"], row["released"], rel_tol=CHANGED)
