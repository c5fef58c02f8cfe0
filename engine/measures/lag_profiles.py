"""Profiles over the lag h to the end of the sequence: gradient norms by lag, and products of gates.

All profiles run over h = 0..T-1 and end at time T, where the loss is read, so that the gradient that enters at step
T - h, the Jacobian product Phi_{T,T-h} and the gate products belong to the same steps.
"""

from typing import NamedTuple

import numpy as np

from engine.common.backend import namespace, to_host
from engine.common.quantity import Quantity
from engine.common.safe import log_norm
from engine.common.statistics import log_mean, log_median
from engine.network.unroll import lambda_T, weight_gradient
from engine.products.scaled import LOG_2, scaled, shifted

BY_LAG = "seed checkpoint lag"
QUANTITIES = {
    "log_gradient_norm": Quantity(
        "seed checkpoint weight lag", "log ||G_h||, for all weights and for each", "[BPTT.lag]"
    ),
    "log_update_product": Quantity(
        BY_LAG, "log of the median over samples of prod g over the last h steps", "[ELR.P0]"
    ),
    "log_retention_product": Quantity(
        BY_LAG, "log of the median over samples of prod (1 - g) over the last h steps", "[ELR.R0]"
    ),
}

ALL_WEIGHTS = "all"


def weight_names(cell):
    """Names of the weights with a profile by lag: all together, then each of the cell's. The readout acts only at T."""
    return [ALL_WEIGHTS, *cell.blocks]


class GradientNorms(NamedTuple):
    """log ||G_h|| [BPTT.lag], NumPy; -inf if G_h is 0, as for recurrent weights at h = T-1, where x_0 = 0."""

    by_weight: np.ndarray  # (member, weight, lag), see weight_names
    by_unit: np.ndarray  # (member, unit, lag), the rows of W_r


def gradient_norms(cell, parameters, trajectory, error):
    """GradientNorms of a trajectory with tapes; `error` (member, 1, batch) is dL/dy_hat. Holds one G_h at a time."""
    by_weight, by_unit = [], []
    for pairs, log_scale in scaled_adjoints(cell, parameters.W, trajectory, lambda_T(cell, parameters.W_o, error)):
        G = weight_gradient(cell, pairs)
        xp = namespace(G)
        flat = {ALL_WEIGHTS: G, **cell.unpack(G)}
        norms = xp.stack([log_norm(xp.reshape(g, (g.shape[0], -1))) for g in flat.values()], axis=1)
        by_weight.append(norms + log_scale)
        by_unit.append(xp.concat([log_norm(g["W_r"]) for g in cell.by_layer(G)], axis=1) + log_scale)
    return GradientNorms(*(to_host(namespace(x[0]).stack(x, axis=2)) for x in (by_weight, by_unit)))


def scaled_adjoints(cell, W, trajectory, lam):
    """`engine.network.unroll.adjoints` without underflow: yields the pairs of lambda / s, and log s (member, 1).

    Each sample's lambda carries its own power of two, because lambda of one sample may vanish much earlier than that of
    another; s is the largest power of a member.
    """
    xp = namespace(W)
    lam = scaled(lam, axes=1)
    for t in reversed(range(len(trajectory.tapes))):
        values, pairs = cell.step_backward(W, trajectory.z[t, ...], trajectory.tapes[t], lam.values)
        largest = xp.max(lam.exponent, axis=2, keepdims=True)
        share = 2.0 ** (lam.exponent - largest)
        yield [(delta * share, operand) for delta, operand in pairs], largest[..., 0] * LOG_2
        lam = shifted(values, lam.exponent, axes=1)


def log_gates_over_time(cell, W, z):
    """log g_t and log(1 - g_t) along z (T, member, H + n, batch): two arrays (T, member, H or 1, batch)."""
    xp = namespace(z)
    steps = [cell.log_gates(W, z[t, ...]) for t in range(z.shape[0])]
    return tuple(xp.stack(parts) for parts in zip(*steps, strict=True))


def gate_products_to_the_end(log_g):
    """log prod_{j=T-h+1..T} g_j over h = 0..T-1 along the first axis, from log g_1..log g_T."""
    xp = namespace(log_g)
    return xp.cumulative_sum(xp.flip(log_g[1:, ...], axis=0), axis=0, include_initial=True)


def gate_product_profile(log_products):
    """log of the median over samples of the mean over units, NumPy (member, lag), from (lag, member, unit, batch)."""
    return to_host(log_median(log_mean(log_products, axis=2), axis=2)).T
