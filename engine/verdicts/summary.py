"""Summary table: losses and anisotropy of both kinds, one row a task, model and checkpoint."""

import numpy as np

from engine.verdicts.intervals import LINEAR, LOG, columns


def summary_rows(arrays, lags, checkpoints, at_lags):
    """Rows (dicts) of one model on one task from its arrays (seed, checkpoint, ...): see `intervals.columns`.

    AI and losses span orders of magnitude, so their means are geometric and their intervals are taken on logs.
    `loss` is that of `loss_before`.
    """
    numbers = {}  # {name: (values (seed, checkpoint), scale)}
    for lag in at_lags:
        i = list(lags).index(lag)
        numbers[f"jacobian_AI_lag{lag}"] = arrays["jacobian_anisotropy"][:, :, i], LOG
        numbers[f"jacobian_CE_lag{lag}"] = arrays["jacobian_energy"][:, :, i], LINEAR
    numbers |= {name: (arrays[name], LOG) for name in ("loss", "probe_loss")}
    numbers["gradient_AI"] = arrays["gradient_anisotropy"], LOG
    numbers["gradient_CE"] = arrays["gradient_energy"], LINEAR
    rows = []
    for c, checkpoint in enumerate(checkpoints):
        row = {"checkpoint": checkpoint, "seeds": len(arrays["gradient_energy"])}
        for name, (values, scale) in numbers.items():
            row |= columns(name, values[:, c], scale)
        rows.append(row)
    return rows


def loss_before(checkpoints, loss, updates=50):
    """Training loss (seed, checkpoint): the mean over the last updates before each, of `loss` (seed, update).

    At checkpoint 0 it is the loss of the first batch, before any update.
    """
    windows = [loss[:, max(0, k - updates) : max(1, k)] for k in checkpoints]
    return np.stack([window.mean(axis=1) for window in windows], axis=1)
