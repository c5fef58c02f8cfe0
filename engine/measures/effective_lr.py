"""Effective learning rates by lag, and their predictors (Figures 3 to 5)."""

from typing import NamedTuple

import numpy as np

from engine.common.backend import CPU, like, namespace, to_host
from engine.common.quantity import Quantity
from engine.common.statistics import line_fit, log_mean, log_median, quantiles
from engine.measures import unit_rates
from engine.measures.chains import full_jacobians
from engine.measures.drawn_pairs import DrawnPairs, median_errors
from engine.measures.each import measure_each
from engine.measures.runs import run
from engine.network.unroll import jacobians
from engine.products.spectral_norms import first_order_log_norms, log_spectral_norms
from engine.products.spectral_norms import pairs as all_pairs

TITLE = "Effective learning rates by lag"
BY_LAG = "seed checkpoint lag"
BY_NETWORK = "seed checkpoint"
BY_PREDICTED_LAG = "seed predictor_checkpoint lag"
QUANTITIES = {
    "log_sensitivity": Quantity(BY_LAG, "log of the median over samples and t of S = ||Phi_{t,t-h}||_2", "[ELR.S]"),
    "log_effective_rate": Quantity(BY_LAG, "log of the effective learning rate mu_eff(h)", "[ELR.profile]"),
    "log_gate_product": Quantity(BY_LAG, "log of the median update-gate product P0", "[ELR.P0]"),
    "log_retention_product": Quantity(BY_LAG, "log of the median retention product", "[ELR.R0]"),
    "log_dominant_product": Quantity(BY_PREDICTED_LAG, "log of the median ||prod A_j||_2", "[ELR.A0]"),
    "log_first_order_product": Quantity(
        BY_PREDICTED_LAG, "log of the median ||prod A_j + first-order term||_2", "[ELR.A1]"
    ),
    "log_normalized_profile": Quantity(BY_LAG, "log of mu_eff(h) / mu_eff(1)", "[ELR.profile]"),
    "log_fitted_power_profile": Quantity(BY_LAG, "log of (P0(h) / P0(1))^s with the slope s", "[ELR.slope]"),
    "slope": Quantity(BY_NETWORK, "slope s of log S on log P0", "[ELR.slope]"),
    "intercept": Quantity(BY_NETWORK, "intercept of log S on log P0", "[ELR.slope]"),
    "r_squared": Quantity(BY_NETWORK, "R^2 of log S on log P0", "[ELR.slope]"),
    "fitted_pairs": Quantity(BY_NETWORK, "pairs (t, k) of all samples in the fit of log S on log P0", "[ELR.slope]"),
    "dropped_pairs": Quantity(BY_NETWORK, "pairs that cannot enter the fit, since S or P0 is 0", "[ELR.slope]"),
    "log_unit_gate_product": Quantity(
        "seed checkpoint lag unit",
        "log of the median over samples and t of the unit's gate product",
        "[ELR.neuron]",
    ),
} | unit_rates.QUANTITIES
OF_DRAWN_PAIRS = {  # in a file only where pairs are drawn
    "log_sensitivity_error": Quantity(BY_LAG, "standard error of log_sensitivity, by the drawn pairs", "[ELR.S]"),
    "pair_sample": Quantity("seed pair", "sample of the probe batch, counted from 0", "[ELR.S]", dtype="i4"),
    "pair_time": Quantity("pair", "time t, of which all lags are taken", "[ELR.S]", units="time step", dtype="i4"),
}
QUANTITIES |= OF_DRAWN_PAIRS

UNIT_SAMPLES = 4  # of the probe batch, along which the rates of units are taken
PREDICTORS = ("log_dominant_product", "log_first_order_product")


def coordinates(networks, *, T, pairs=None, predictor_checkpoints=None, **_):
    """{dimension: values} of QUANTITIES."""
    return networks.cell.unit_coordinates | {
        "seed": networks.seeds,
        "checkpoint": networks.checkpoints,
        "predictor_checkpoint": predictor_checkpoints or first_and_last(networks.checkpoints),
        "lag": range(1, T),
        "pair": range(pairs or 0),
    }


def measure(
    networks,
    task,
    *,
    rate,
    T,
    probe_batch,
    pairs=None,
    predictor_checkpoints=None,
    device=CPU,
    members_per_pass=None,
):
    """All QUANTITIES of a gated cell's networks on one fixed probe batch a seed; `rate` is the step size mu.

    With `pairs` as many (sample, t) are drawn, and everything is measured along them: for large networks and long
    sequences. Else all pairs are taken, and OF_DRAWN_PAIRS are left out. [ELR.A0], [ELR.A1] and the rates of units
    [ELR.diag] are taken at `predictor_checkpoints`, by default the first and the last. `log_unit_gate_product` is there
    for a cell with a gate for each unit.
    """
    cell, checkpoints = networks.cell, predictor_checkpoints or first_and_last(networks.checkpoints)
    along = DrawnPairs(networks, pairs, T, probe_batch, device) if pairs else AllPairs(cell)

    def states(parameters, seeds):
        return run(networks, parameters, task, seeds, T=T, batch=probe_batch, device=device)[0].z

    def effective_rates(parameters, seeds):
        return summarize(*along.sensitivities(parameters.W, states(parameters, seeds), seeds), rate, bool(pairs))

    def predictors(parameters, seeds):
        norms, lag = along.first_order_norms(parameters.W, states(parameters, seeds), seeds)
        return dict(zip(PREDICTORS, (to_host(medians_by_lag(values, lag)) for values in norms), strict=True))

    def rates_of_units(parameters, seeds):
        return unit_rates.summarize(*along.unit_means(parameters.W, states(parameters, seeds), seeds), rate)

    settings = {"device": device, "members_per_pass": members_per_pass}
    found = along.drawn | measure_each(networks, effective_rates, f"{task} {cell.name}", **settings)
    title = f"{task} {cell.name}: rates of units"
    found |= measure_each(networks.at(checkpoints), rates_of_units, title, **settings)
    if cell.gate_reacts:
        return found | measure_each(networks.at(checkpoints), predictors, f"{task} {cell.name}: predictors", **settings)
    # J = A: all three products are the same.
    log_S = found["log_sensitivity"][:, [networks.checkpoints.index(k) for k in checkpoints]]
    return found | dict.fromkeys(PREDICTORS, log_S)


class AllPairs:
    """All pairs (t, k) of all samples; the methods are those of `DrawnPairs`."""

    def __init__(self, cell):
        self.cell, self.drawn = cell, {}

    def sensitivities(self, W, z, seeds):
        t, k = all_pairs(z.shape[0])
        norms = log_spectral_norms(full_jacobians(self.cell, W, z))
        return {"log_sensitivity": norms} | gate_products(self.cell, W, z), t - k

    def first_order_norms(self, W, z, seeds):
        t, k = all_pairs(z.shape[0])
        return first_order_log_norms(*jacobians(self.cell, W, z)), t - k

    def unit_means(self, W, z, seeds):
        z = z[..., : min(UNIT_SAMPLES, z.shape[3])]
        return unit_rates.means_of_all(self.cell, W, z, full_jacobians(self.cell, W, z))


def first_and_last(checkpoints):
    """The first and the last checkpoint, or the only one."""
    return tuple(dict.fromkeys((checkpoints[0], checkpoints[-1])))


def gate_products(cell, W, z):
    """log P0 [ELR.P0] and log R0 [ELR.R0] (pair, member, sample); a gate a unit: also (pair, member, sample, unit).

    The products of a cell with a gate for each unit are taken unit by unit and then averaged over the units.
    """
    xp = namespace(z)
    t, k = all_pairs(z.shape[0])
    log_g, log_r = (
        xp.permute_dims(xp.stack(parts), (0, 1, 3, 2))
        for parts in zip(*(cell.log_gates(W, z[i, ...]) for i in range(z.shape[0])), strict=True)
    )
    by_unit, retained = (products_of_gates(log, t, k) for log in (log_g, log_r))
    found = {"log_gate_product": log_mean(by_unit, axis=-1), "log_retention_product": log_mean(retained, axis=-1)}
    return found | ({"log_unit_gate_product": by_unit} if cell.gate_for_each_unit else {})


def products_of_gates(log_g, t, k):
    """log prod_{j=k+1..t} g_j for pairs (t, k), from log g_1..log g_T along the first axis; -inf if one g_j is 0."""
    xp = namespace(log_g)
    t, k = like(log_g, t), like(log_g, k)

    def between(x):
        summed = xp.cumulative_sum(x, axis=0, include_initial=True)
        return xp.take(summed, t, axis=0) - xp.take(summed, k, axis=0)

    zero = xp.isinf(log_g)
    if not bool(xp.any(zero)):
        return between(log_g)
    return xp.where(between(xp.astype(zero, xp.int64)) > 0, -float("inf"), between(xp.where(zero, 0, log_g)))


def summarize(by_pair, lag, rate, drawn=False):
    """QUANTITIES from {name: values (pair, member, sample)}: medians by lag, profiles and the power fit.

    For drawn pairs, of one sample each, the standard error too.
    """
    found = {name: to_host(medians_by_lag(values, lag)) for name, values in by_pair.items()}
    fit = power_fit(by_pair["log_gate_product"], by_pair["log_sensitivity"])
    found |= {name: to_host(value) for name, value in fit._asdict().items()}
    sensitivity, product = found["log_sensitivity"], found["log_gate_product"]
    if drawn:
        found["log_sensitivity_error"] = to_host(median_errors(by_pair["log_sensitivity"], lag))
    found["log_effective_rate"] = np.log(rate) + sensitivity
    found["log_normalized_profile"] = sensitivity - sensitivity[:, :1]
    found["log_fitted_power_profile"] = found["slope"][:, None] * (product - product[:, :1])
    return found


def medians_by_lag(log_x, lag):
    """(member, lag, ...): log of the median over samples and pairs of one lag, from (pair, member, sample, ...)."""
    xp = namespace(log_x)

    def median(h):
        x = xp.moveaxis(xp.take(log_x, like(log_x, np.flatnonzero(lag == h)), axis=0), 1, 0)
        return log_median(xp.reshape(x, (x.shape[0], -1, *x.shape[3:])), axis=1)

    return xp.stack([median(h) for h in np.unique(lag)], axis=1)


class PowerFit(NamedTuple):
    """[ELR.slope] Least squares of log S on log P, (member,) each."""

    slope: object
    intercept: object
    r_squared: object
    fitted_pairs: object  # points in the fit
    dropped_pairs: object  # points with S = 0 or P = 0


def power_fit(log_P, log_S):
    """PowerFit of log S on log P (pair, member, sample): over the points with P inside a member's 1%..99% quantiles."""
    xp = namespace(log_P)
    log_P, log_S = (xp.reshape(xp.moveaxis(x, 1, 0), (x.shape[1], -1)) for x in (log_P, log_S))
    usable = xp.isfinite(log_P) & xp.isfinite(log_S)
    points = xp.sum(xp.astype(usable, xp.int64), axis=-1)
    bounds = quantiles(xp.where(usable, log_P, float("inf")), (0.01, 0.99), points)
    # Products of a constant gate equal the quantiles up to rounding, near 1e-14: they count as inside.
    margin = 1e-12 * xp.abs(bounds)
    low, high = (bounds - margin)[:, :1], (bounds + margin)[:, 1:]
    fitted = usable & (log_P >= low) & (log_P <= high)
    counts = [xp.sum(xp.astype(which, log_P.dtype), axis=-1) for which in (fitted, ~usable)]
    return PowerFit(*line_fit(log_P, log_S, fitted), *counts)
