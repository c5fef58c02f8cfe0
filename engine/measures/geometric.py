"""Geometric kernels c beta^h fitted to profiles over the lag h = 0..T-1, given as logs; NumPy arrays.

`fit` is least squares of log p on h over the lags 1..T-1 with p > 0, all with the same weight. Lag 0 is left out,
because the sensitivity has no decay there. Late lags dominate this fit, and there every profile decays at the rate of
the slowest direction, while most of a gradient comes from the first lags. So `time_scale_of_mean_lag` gives a second
estimate, which weighs each lag by the profile itself.
"""

from typing import NamedTuple

import numpy as np

from engine.common.statistics import line_fit

FACTOR = 2.0  # two profiles agree if their ratio is smaller


class Fit(NamedTuple):
    """Least squares of log p_h on h; NaN for fewer than two lags with a value, R^2 also if log p does not vary."""

    rate: np.ndarray  # (...,), slope of log p over h; exp(rate) is beta
    intercept: np.ndarray
    r_squared: np.ndarray
    lags: np.ndarray  # number of lags in the fit


def fit(log_p):
    """Fit of profiles (..., lag)."""
    h = np.broadcast_to(np.arange(log_p.shape[-1], dtype=float), log_p.shape)
    used = np.isfinite(log_p) & (h > 0)
    return Fit(*line_fit(h, log_p, used), used.sum(axis=-1))


def horizon(log_p, log_q):
    """The last lag up to which p_h / p_1 and q_h / q_1 (..., lag) stay within FACTOR of each other; 1 at least.

    T-1 if they never differ by more. NaN if one of them has no value at lag 1.
    """
    with np.errstate(invalid="ignore"):
        relative = [x[..., 1:] - x[..., 1:2] for x in (log_p, log_q)]
        together = np.abs(relative[0] - relative[1]) < np.log(FACTOR)
    found = np.cumprod(together, axis=-1).sum(axis=-1).astype(float)
    return np.where(np.isfinite(log_p[..., 1]) & np.isfinite(log_q[..., 1]), found, np.nan)


def kernel(found, lags):
    """log of the fitted kernel over h = 0..lags-1, (..., lag)."""
    return found.intercept[..., None] + found.rate[..., None] * np.arange(lags)


def time_scale(rate):
    """tau = -1/rate in steps, on arrays of any library.

    Negative for growth, infinite for rate 0, NaN without a fit.
    """
    with np.errstate(divide="ignore"):
        return -1 / rate


def time_scale_of_mean_lag(log_p):
    """tau = 1/log(1 + 1/m) with the mean lag m = sum h p_h / sum p_h of profiles (..., lag); NaN if p is 0.

    It equals -1/log beta for p_h = beta^h, and is about T/2 for a profile without decay.
    """
    top = log_p.max(axis=-1, keepdims=True)
    with np.errstate(invalid="ignore", divide="ignore"):
        p = np.exp(log_p - top)
        mean_lag = (p * np.arange(log_p.shape[-1])).sum(axis=-1) / p.sum(axis=-1)
        return 1 / np.log1p(1 / mean_lag)
