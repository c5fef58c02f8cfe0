"""[ALIGN.update] Statistics of the updates that follow the checkpoints: how a step differs from its gradient."""

import numpy as np

from engine.common.backend import to_host
from engine.common.quantity import Quantity

BY_NETWORK = "seed checkpoint"
QUANTITIES = {
    "update_cosine": Quantity(BY_NETWORK, "cosine of -delta theta with the gradient", "[ALIGN.update]"),
    "update_spread": Quantity(
        BY_NETWORK,
        "standard deviation over parameters of log10 |delta theta_p| / |g_p|",
        "[ALIGN.update]",
        units="decade",
    ),
    "unmoved_parameters": Quantity(
        BY_NETWORK, "parameters without a gradient or a step, left out of the spread", "[ALIGN.update]"
    ),
    "adaptive_step": Quantity(
        "seed checkpoint unit", "mean of 1 / sqrt(v_hat) over a unit's rows of W_r and W_i", "[OPT.adam]"
    ),
    "adaptive_step_beside": Quantity(
        "seed checkpoint unit",
        "as adaptive_step, for the v_hat of Adam that is kept beside the optimizer, without effect",
        "[OPT.adam.same]",
    ),
}


def update_statistics(cell, increments, gradients):
    """{name: (member,)}, NumPy, of one update, from its increments and gradients, Parameters (member, ...) each.

    Computed in float64, because squares of small float32 gradients underflow.
    """
    step, g = flat(cell, increments), flat(cell, gradients)
    return {"update_cosine": cosine(-step, g)} | log_step_spread(step, g)


def adaptive_steps(cell, rule, state, k):
    """{name: (member, unit)}, NumPy, from the second moments of W after update k: Adam's v_hat or RMSprop's v.

    `state` is that of the rule for W; {} if the rule keeps no second moments.
    """
    moments = {
        "adaptive_step": rule.second_moment(state, k),
        "adaptive_step_beside": rule.second_moment_beside(state, k),
    }
    return {name: unit_steps(cell, v) for name, v in moments.items() if v is not None}


def unit_steps(cell, v):
    """Mean of 1 / sqrt(v) over each unit's rows of W_r and W_i, (member, unit), from v shaped like W."""
    layers = cell.by_layer(to_host(v).astype(np.float64))
    return np.concatenate([mean_step(np.concatenate([v["W_r"], v["W_i"]], axis=-1)) for v in layers], axis=-1)


def flat(cell, parameters):
    """All parameters of each member in one row (member, parameter), NumPy float64."""
    W, W_o = (to_host(p).astype(np.float64) for p in parameters)
    return np.concatenate([W[:, cell.is_weight], W_o.reshape(len(W_o), -1)], axis=1)


def cosine(a, b):
    """Cosine of the angle between rows (member, parameter), (member,); NaN if one of them is 0."""
    with np.errstate(invalid="ignore"):
        return (a * b).sum(axis=1) / (np.linalg.norm(a, axis=1) * np.linalg.norm(b, axis=1))


def log_step_spread(step, g):
    """Standard deviation of log10 |step_p| / |g_p| over parameters p; those with a 0 are left out and counted."""
    moved = (step != 0) & (g != 0)
    with np.errstate(divide="ignore", invalid="ignore"):
        log_ratio = np.where(moved, np.log10(np.abs(step)) - np.log10(np.abs(g)), np.nan)
    spread = np.array([np.std(row[m]) if m.any() else np.nan for row, m in zip(log_ratio, moved, strict=True)])
    return {"update_spread": spread, "unmoved_parameters": (~moved).sum(axis=1).astype(float)}


def mean_step(v):
    """Mean of 1 / sqrt(v) over the last axis, without v = 0: a weight that never had a gradient takes no step."""
    used = v > 0
    with np.errstate(divide="ignore", invalid="ignore"):
        return np.where(used, v**-0.5, 0).sum(axis=-1) / used.sum(axis=-1)
