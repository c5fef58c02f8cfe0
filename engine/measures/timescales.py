"""Time scales of states and of parameters, and their coupling."""

import numpy as np

from engine.common.backend import namespace, to_host
from engine.common.quantity import Quantity
from engine.common.statistics import line_fit, quantiles, rank_correlation
from engine.measures.geometric import fit, time_scale, time_scale_of_mean_lag

QUANTILES = (0.05, 0.25, 0.5, 0.75, 0.95)
ESTIMATORS = ("decay", "mean_lag")  # of a time scale in parameter space, see engine.measures.geometric
BY_NETWORK = "seed checkpoint"
BY_ESTIMATOR = "seed checkpoint estimator"
STEPS = "time step"
QUANTITIES = {
    "tau_state": Quantity(
        "seed checkpoint unit",
        "time scale of a unit's retention, -1 / mean over time and samples of log(1 - g)",
        "[TAU.state]",
        STEPS,
    ),
    "tau_state_quantile": Quantity(
        "seed checkpoint quantile", "quantiles of -1 / log(1 - g) over units, time and samples", "[TAU.state]", STEPS
    ),
    "tau_transport": Quantity(
        BY_NETWORK,
        "-1 / slope of log ||Phi_{T,T-h}||_2 over h; negative: growth, infinite: no decay",
        "[TAU.state]",
        STEPS,
    ),
    "tau_parameter": Quantity(
        BY_ESTIMATOR + " weight",
        "time scale of ||G_h||; negative: growth over h, infinite: no decay",
        "[TAU.param]",
        STEPS,
    ),
    "tau_parameter_r_squared": Quantity(
        "seed checkpoint weight", "R^2 of the decay of log ||G_h|| over h", "[TAU.param]"
    ),
    "tau_parameter_lags": Quantity(
        "seed checkpoint weight", "lags of that fit; those at which G_h is 0 are left out", "[TAU.param]"
    ),
    "tau_parameter_unit": Quantity(
        BY_ESTIMATOR + " unit",
        "time scale of the rows of G_h for W_r; negative: growth, infinite: no decay",
        "[TAU.param]",
        STEPS,
    ),
    "tau_parameter_unit_lags": Quantity(
        "seed checkpoint unit",
        "lags of the unit's fit of the decay; those at which G_h is 0 are left out",
        "[TAU.param]",
    ),
    "coupled_units": Quantity(
        BY_ESTIMATOR, "units with positive, finite time scales in both spaces", "[TAU.coupling]", dtype="f8"
    ),
    "coupling_slope": Quantity(
        BY_ESTIMATOR,
        "slope of tau.param on tau.state over units; NaN for a cell with one gate for all",
        "[TAU.coupling]",
    ),
    "coupling_exponent": Quantity(BY_ESTIMATOR, "slope of log tau.param on log tau.state over units", "[TAU.coupling]"),
    "coupling_rank_correlation": Quantity(
        BY_ESTIMATOR, "Spearman's correlation of tau.param and tau.state over units", "[TAU.coupling]"
    ),
}


def time_scales(log_retained, log_transport, norms, units, own_gates):
    """All QUANTITIES of one checkpoint, NumPy.

    `log_retained` (T, member, H or 1, batch), on any arrays, is log(1 - g), `log_transport` (member, lag) is
    log ||Phi_{T,T-h}||_2, `norms` the GradientNorms of the same networks. Without `own_gates`, one for each unit, time
    scales of units are not coupled.
    """
    state = state_time_scales(log_retained, units)
    by_unit = parameter_time_scales(norms.by_unit)
    found = {
        "tau_state": state,
        "tau_state_quantile": state_quantiles(log_retained),
        "tau_transport": time_scale(fit(log_transport).rate),
        "tau_parameter": parameter_time_scales(norms.by_weight),
        "tau_parameter_r_squared": fit(norms.by_weight).r_squared,
        "tau_parameter_lags": fit(norms.by_weight).lags.astype(float),
        "tau_parameter_unit": by_unit,
        "tau_parameter_unit_lags": fit(norms.by_unit).lags.astype(float),
    }
    found_couplings = [
        [coupling(tau, of_estimator) if own_gates else UNCOUPLED for of_estimator in of_member]
        for tau, of_member in zip(state, by_unit, strict=True)
    ]
    names = ("coupled_units", "coupling_slope", "coupling_exponent", "coupling_rank_correlation")
    return found | dict(zip(names, np.moveaxis(np.array(found_couplings), 2, 0), strict=True))


def state_time_scales(log_retained, units):
    """[TAU.state] (member, unit): the time scale of a unit's retention product over the run.

    Rates add up along a product, so the rate is averaged over time and samples. tau = 0 if nothing is retained.
    """
    tau = time_scale(to_host(namespace(log_retained).mean(log_retained, axis=(0, 3))))
    return np.broadcast_to(tau, (len(tau), units))


def state_quantiles(log_retained):
    """(member, quantile), NumPy, of tau = -1/log(1 - g) over all units, times and samples."""
    xp = namespace(log_retained)
    tau = time_scale(xp.moveaxis(log_retained, 1, 0))
    return to_host(quantiles(xp.reshape(tau, (tau.shape[0], -1)), QUANTILES))


def parameter_time_scales(log_p):
    """[TAU.param] (member, estimator, ...) of profiles (member, ..., lag)."""
    return np.stack([time_scale(fit(log_p).rate), time_scale_of_mean_lag(log_p)], axis=1)


UNCOUPLED = (np.nan, np.nan, np.nan, np.nan)


def coupling(tau_state, tau_parameter):
    """[TAU.coupling] of the units whose time scales are positive and finite.

    Number of units, slope, slope of the logs, Spearman's rank correlation; NaN for fewer than three units, or if
    tau.state does not vary.
    """
    proper = np.isfinite(tau_state) & np.isfinite(tau_parameter) & (tau_state > 0) & (tau_parameter > 0)
    x, y = tau_state[proper], tau_parameter[proper]
    if len(x) < 3:
        return len(x), np.nan, np.nan, np.nan
    return len(x), line_fit(x, y)[0], line_fit(np.log(x), np.log(y))[0], rank_correlation(x, y)
