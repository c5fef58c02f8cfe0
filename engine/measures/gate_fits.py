"""Geometric fits of profiles over lags: a gate as learning-rate schedule [OPT.const] or momentum [OPT.momentum]."""

import numpy as np

from engine.common.quantity import Quantity
from engine.measures.geometric import fit, horizon, kernel

PROFILES = ("transport", "update_gates", "retention_gates", "gradient")
BY_PROFILE = "seed checkpoint profile"
BY_NETWORK = "seed checkpoint"
QUANTITIES = {
    "rate": Quantity(BY_PROFILE, "slope of log profile over the lags 1..T-1", "[OPT.const]", units="1 / time step"),
    "factor": Quantity(BY_PROFILE, "exp(rate): momentum beta, or factor of a geometric schedule", "[OPT.momentum]"),
    "r_squared": Quantity(BY_PROFILE, "R^2 of the geometric fit", "[OPT.const]"),
    "fitted_lags": Quantity(BY_PROFILE, "lags of the fit; those whose profile is 0 are left out", "[OPT.const]"),
    "fit_horizon": Quantity(
        BY_PROFILE,
        "last lag up to which the profile and its fitted kernel agree within a factor 2",
        "[OPT.const]",
        units="time step",
    ),
    "schedule_horizon": Quantity(
        BY_NETWORK,
        "last lag up to which transport follows the update-gate product within a factor 2",
        "[OPT.const]",
        units="time step",
    ),
    "retention_horizon": Quantity(
        BY_NETWORK,
        "last lag up to which transport follows the retention product within a factor 2",
        "[OPT.const]",
        units="time step",
    ),
    "momentum_horizon": Quantity(
        BY_NETWORK,
        "last lag up to which ||G_h|| follows the retention product within a factor 2",
        "[OPT.momentum]",
        units="time step",
    ),
    "gradient_horizon": Quantity(
        BY_NETWORK, "last lag up to which ||G_h|| follows transport within a factor 2", "[BPTT.lag]", units="time step"
    ),
}


def gate_fits(log_transport, log_update, log_retention, log_gradient):
    """All QUANTITIES of one checkpoint from four profiles (member, lag), named and ordered as PROFILES."""
    profiles = np.stack([log_transport, log_update, log_retention, log_gradient], axis=1)
    found = fit(profiles)
    return {
        "rate": found.rate,
        "factor": np.exp(found.rate),
        "r_squared": found.r_squared,
        "fitted_lags": found.lags.astype(float),
        "fit_horizon": horizon(profiles, kernel(found, profiles.shape[-1])),
        "schedule_horizon": horizon(log_transport, log_update),
        "retention_horizon": horizon(log_transport, log_retention),
        "momentum_horizon": horizon(log_gradient, log_retention),
        "gradient_horizon": horizon(log_gradient, log_transport),
    }
