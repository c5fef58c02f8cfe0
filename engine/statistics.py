"""Means and medians of any arrays; fits and intervals over what has been measured, of host arrays."""

import math

import numpy as np
from scipy.stats import t as student

from engine.backend import namespace


def log_median(log_x, axis):
    """log of the median of x along `axis`, from log x, where x itself may be too small for a float."""
    xp = namespace(log_x)
    ordered = xp.moveaxis(xp.sort(log_x, axis=axis), axis, 0)
    n = ordered.shape[0]
    low, high = ordered[(n - 1) // 2, ...], ordered[n // 2, ...]
    return low if n % 2 else xp.logaddexp(low, high) - math.log(2)


def log_mean(log_x, axis):
    """log of the mean of x along `axis`, from log x, as log_median; -inf where all of x is 0."""
    xp = namespace(log_x)
    top = xp.max(log_x, axis=axis, keepdims=True)
    scale = xp.where(xp.isfinite(top), top, 0)
    with np.errstate(divide="ignore"):
        return xp.squeeze(scale, axis=axis) + xp.log(xp.mean(xp.exp(log_x - scale), axis=axis))


def line_fit(x, y):
    """Slope, intercept and R^2 of the least squares of y on x, flat arrays; NaN where x does not vary."""
    dx, dy = x - x.mean(), y - y.mean()
    xx = dx @ dx
    if xx == 0:
        return np.nan, np.nan, np.nan
    slope = dx @ dy / xx
    residual = dy - slope * dx
    yy = dy @ dy
    return slope, y.mean() - slope * x.mean(), 1 - residual @ residual / yy if yy > 0 else np.nan


def mean_interval(x, level=0.95):
    """Mean over the first axis and Student's interval for it: (mean, low, high); NaN marks what was not measured.

    From fewer than two values there is a mean and no interval.
    """
    count = np.isfinite(x).sum(axis=0)
    with np.errstate(invalid="ignore", divide="ignore"):
        mean = np.where(np.isfinite(x), x, 0).sum(axis=0) / count
        variance = np.where(np.isfinite(x), (x - mean) ** 2, 0).sum(axis=0) / (count - 1)
        half = student.ppf((1 + level) / 2, count - 1) * np.sqrt(variance / count)
    return mean, mean - half, mean + half
