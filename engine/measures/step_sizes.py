"""[OPT.adam] Step sizes of units: by their gates, and by Adam."""

import numpy as np

from engine.common.backend import namespace, to_host
from engine.common.quantity import Quantity
from engine.common.statistics import log_median, rank_correlation

SAME_NETWORK = "same network"  # the reference of [OPT.adam.same]
BY_LAG = "seed checkpoint probed_lag"
QUANTITIES = {
    "log_unit_gate_product": Quantity(
        BY_LAG + " unit", "log of the median over samples of a unit's prod g over the last h steps", "[ELR.neuron]"
    ),
    "gate_step_variation": Quantity(
        BY_LAG, "coefficient of variation over units of their gate products; 0 with one gate for all", "[OPT.adam]"
    ),
    "gate_variation_in_time": Quantity(
        "seed checkpoint", "coefficient of variation of g over time and samples, mean over units", "[OPT.adam]"
    ),
}
COMPARISON_QUANTITIES = {
    "step_rank_correlation": Quantity(
        "reference seed checkpoint probed_lag",
        "Spearman's correlation over units of gate product and Adam's step",
        "[OPT.adam]",
    ),
    "adam_step_variation": Quantity(
        "reference seed checkpoint", "coefficient of variation over units of Adam's step", "[OPT.adam]"
    ),
}


def gate_steps(log_g, log_products, lags, units):
    """All QUANTITIES of one checkpoint, NumPy, from log g (T, member, H or 1, batch) and its products (lag, ...)."""
    xp = namespace(log_g)
    by_unit = to_host(xp.stack([log_median(log_products[h, ...], axis=2) for h in lags], axis=1))
    in_time = variation(xp.reshape(xp.moveaxis(log_g, 0, 3), (*log_g.shape[1:3], -1)))
    return {
        "log_unit_gate_product": np.broadcast_to(by_unit, (*by_unit.shape[:2], units)),
        "gate_step_variation": variation(by_unit),
        "gate_variation_in_time": to_host(xp.mean(in_time, axis=1)),
    }


def variation(log_x):
    """Coefficient of variation (standard deviation over mean) of x along the last axis, from log x."""
    xp = namespace(log_x)
    x = xp.exp(log_x - xp.max(log_x, axis=-1, keepdims=True))
    return xp.std(x, axis=-1) / xp.mean(x, axis=-1)


def compare(log_unit_gate_product, adam_steps):
    """All COMPARISON_QUANTITIES from a gated cell's products (seed, checkpoint, probed lag, unit) and Adam's steps.

    The steps (reference, seed, checkpoint, unit) are those of other networks, which Adam trained on the same batches
    from the same initial W_r and W_i, so that unit i of one is comparable to unit i of the other; or they are those
    of Adam kept beside the training of the gated cell [OPT.adam.same].
    """
    found = rank_correlation(log_unit_gate_product[None], adam_steps[:, :, :, None])
    return {"step_rank_correlation": found, "adam_step_variation": adam_steps.std(axis=-1) / adam_steps.mean(axis=-1)}
