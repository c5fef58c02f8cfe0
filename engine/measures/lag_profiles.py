"""Profiles over the lag h to the end of the sequence: gradient norms by lag, and products of gates.

All profiles run over h = 0..T-1, and those of Jacobian and gate products end at time T. Where the loss is read at T
alone, the gradient that enters at step T - h, the product Phi_{T,T-h} and the gate products belong to the same steps.
"""

from typing import NamedTuple

import numpy as np

from engine.common.backend import namespace, to_host
from engine.common.quantity import Quantity
from engine.common.safe import log_norm
from engine.common.statistics import log_mean, log_median
from engine.network.unroll import entering_lambdas, joined, weight_gradient
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
    """Names of the weights with a profile by lag: all, then each of the cell's. The readout has lag 0 alone."""
    return [ALL_WEIGHTS, *cell.blocks]


class GradientNorms(NamedTuple):
    """log ||G_h|| [BPTT.lag], NumPy; -inf if G_h is 0, as for recurrent weights at h = T-1, where x_0 = 0."""

    by_weight: np.ndarray  # (member, weight, lag), see weight_names
    by_unit: np.ndarray  # (member, unit, lag), the rows of W_r


def gradient_norms(cell, parameters, trajectory, error):
    """GradientNorms of a trajectory with tapes; `error` (member, step, output, batch) is dL/dy_t at the last steps.

    Holds one G_h at a time.
    """
    by_weight, by_unit = [], []
    entering = entering_lambdas(cell, parameters.W_o, error)
    for pairs, log_scale in scaled_adjoints(cell, parameters.W, trajectory, entering):
        G = weight_gradient(cell, pairs)
        xp = namespace(G)
        flat = {ALL_WEIGHTS: G, **cell.unpack(G)}
        norms = xp.stack([log_norm(xp.reshape(g, (g.shape[0], -1))) for g in flat.values()], axis=1)
        by_weight.append(norms + log_scale)
        by_unit.append(xp.concat([log_norm(g["W_r"]) for g in cell.by_layer(G)], axis=1) + log_scale)
    return GradientNorms(*(to_host(namespace(x[0]).stack(x, axis=2)) for x in (by_weight, by_unit)))


def scaled_adjoints(cell, W, trajectory, entering):
    """[BPTT] by lag h = 0..T-1 without underflow: yields the pairs of lambda / s, and log s (member, 1).

    Each step t of the loss has a lambda of its own, from `entering` as in engine.network.unroll.adjoints. At lag h all
    of them are at their step t - h; their pairs lie side by side in the batch axis. Each sample's lambda carries its
    own power of two, because that of one may vanish much earlier than that of another; s is the largest of a member.
    """
    xp, T = namespace(W), len(trajectory.tapes)
    walks = [(t, scaled(lam, axes=1)) for t, lam in enumerate(entering, start=T - len(entering))]
    for _ in range(T):
        going_on, pairs, exponents = [], [], []
        for t, lam in walks:
            values, found = cell.step_backward(W, trajectory.z[t, ...], trajectory.tapes[t], lam.values)
            pairs.append(found)
            exponents.append(lam.exponent)
            if t:
                going_on.append((t - 1, shifted(values, lam.exponent, axes=1)))
        exponent = joined(exponents, axis=2)
        largest = xp.max(exponent, axis=2, keepdims=True)
        yield side_by_side(pairs, 2.0 ** (exponent - largest)), largest[..., 0] * LOG_2
        walks = going_on


def side_by_side(pairs, share):
    """One pair a block of W, from the pairs of several walks; deltas times `share` (member, 1, all samples)."""
    for of_block in zip(*pairs, strict=True):
        delta, operand = (joined(side, axis=2) for side in zip(*of_block, strict=True))
        yield delta * share, operand


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
