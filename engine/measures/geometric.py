"""Geometric kernels c beta^h fitted to profiles over the lag h = 0..T-1, given as logs; NumPy arrays.

Every lag 1..T-1 whose value is not 0 enters with the same weight: least squares of log p on h. Lag 0 is left out, as
the sensitivity has no decay there. The two ends of such a fit may differ: over the late lags every part of a network
decays at the rate of its slowest direction, while what a gradient is made of lies in the first lags. So there is a
second estimate beside it, `time_scale_of_mean_lag`, which weighs each lag by the profile itself.
"""

from typing import NamedTuple

import numpy as np

from engine.common.statistics import line_fit

FACTOR = 2.0  # a profile and its description agree while they differ by less


class Fit(NamedTuple):
    """Least squares of log p_h on h; NaN where fewer than two lags have a value, R^2 also where log p does not vary."""

    rate: np.ndarray  # (...,), slope of log p over h; exp(rate) is beta
    intercept: np.ndarray
    r_squared: np.ndarray
    lags: np.ndarray  # how many lags entered


def fit(log_p):
    """Fit of profiles (..., lag)."""
    h = np.broadcast_to(np.arange(log_p.shape[-1], dtype=float), log_p.shape)
    used = np.isfinite(log_p) & (h > 0)
    return Fit(*line_fit(h, log_p, used), used.sum(axis=-1))


def horizon(log_p, log_q):
    """The last lag up to which p_h / p_1 and q_h / q_1 (..., lag) stay within FACTOR of each other; 1 at least.

    It is T-1 where they never part. NaN where one of them has no value at lag 1.
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
    """tau = -1/rate in steps, of any arrays.

    Negative where the profile grows, infinite where it stays, NaN where there is no fit.
    """
    with np.errstate(divide="ignore"):
        return -1 / rate


def time_scale_of_mean_lag(log_p):
    """tau = 1/log(1 + 1/m) with the mean lag m = sum h p_h / sum p_h of profiles (..., lag); NaN where p is 0.

    It equals -1/log beta for p_h = beta^h, and is about T/2 for a profile without decay.
    """
    top = log_p.max(axis=-1, keepdims=True)
    with np.errstate(invalid="ignore", divide="ignore"):
        p = np.exp(log_p - top)
        mean_lag = (p * np.arange(log_p.shape[-1])).sum(axis=-1) / p.sum(axis=-1)
        return 1 / np.log1p(1 / mean_lag)
