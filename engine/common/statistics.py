"""Medians, means, quantiles and line fits of arrays of any library; rank correlation of NumPy arrays."""

import math

import numpy as np

from engine.common.backend import like, namespace, zeros


def log_median(log_x, axis):
    """log of the median of x along `axis`, from log x, where x itself may be too small for a float.

    NaN if one of x is NaN, as in numpy.median.
    """
    xp = namespace(log_x)
    ordered = xp.moveaxis(xp.sort(log_x, axis=axis), axis, 0)
    n = ordered.shape[0]
    low, high = ordered[(n - 1) // 2, ...], ordered[n // 2, ...]
    middle = low if n % 2 else xp.logaddexp(low, high) - math.log(2)
    return xp.where(xp.isnan(ordered[-1, ...]), xp.nan, middle)


def log_mean(log_x, axis):
    """log of the mean of x along `axis`, from log x; -inf if all of x is 0, NaN if one of x is NaN."""
    xp = namespace(log_x)
    top = xp.max(log_x, axis=axis, keepdims=True)
    scale = xp.where(xp.isfinite(top), top, 0)
    with np.errstate(divide="ignore"):
        return xp.squeeze(scale, axis=axis) + xp.log(xp.mean(xp.exp(log_x - scale), axis=axis))


def quantiles(x, q, count=None):
    """(..., quantile): quantiles q of the `count` (...) smallest along the last axis, by default of all of x.

    Linear between neighbours, and NaN if one of x is NaN, as in numpy.quantile.
    """
    xp = namespace(x)
    x = xp.sort(x, axis=-1)
    last = (zeros(x, *x.shape[:-1]) + x.shape[-1] if count is None else xp.astype(count, x.dtype)) - 1
    place = last[..., None] * like(x, np.array(q))
    below = xp.floor(place)
    low, high = (
        xp.take_along_axis(x, xp.astype(xp.clip(at, 0, None), xp.int64), axis=-1)
        for at in (below, xp.minimum(below + 1, last[..., None]))
    )
    with np.errstate(invalid="ignore"):  # of two infinities
        between = xp.where(low == high, low, low + (place - below) * (high - low))
    return xp.where(xp.isnan(x[..., -1:]), xp.nan, between)


def line_fit(x, y, used=None):
    """Least squares of y on x over the last axis: slope, intercept and R^2 (...). `used` masks the points, default all.

    NaN if x varies by no more than its rounding; R^2 is also NaN if y does not vary.
    """
    xp = namespace(x)
    used = xp.ones_like(x) > 0 if used is None else used
    with np.errstate(invalid="ignore", divide="ignore"):
        (dx, mean_x, variation_x), (dy, mean_y, variation_y) = (deviations(v, used) for v in (x, y))
        slope = xp.sum(dx * dy, axis=-1) / variation_x
        residual = xp.where(used, dy - slope[..., None] * dx, 0)
        r_squared = 1 - xp.sum(residual * residual, axis=-1) / variation_y
    return slope, mean_y - slope * mean_x, r_squared


def deviations(x, used):
    """x minus its mean over the last axis, 0 where not `used`; the mean; the sum of squares, NaN if only rounding."""
    xp = namespace(x)
    count = xp.sum(xp.astype(used, x.dtype), axis=-1)
    mean = xp.sum(xp.where(used, x, 0), axis=-1) / count
    dx = xp.where(used, x - mean[..., None], 0)
    squares = xp.sum(dx * dx, axis=-1)
    return dx, mean, xp.where(squares > (1e-13 * mean) ** 2 * count, squares, xp.nan)


def rank_correlation(x, y):
    """Spearman's correlation (...) of NumPy arrays over the last axis; ties have their mean rank.

    NaN if x or y is not finite or varies only by its rounding.
    """
    everywhere = np.ones(np.broadcast_shapes(x.shape, y.shape), dtype=bool)
    with np.errstate(invalid="ignore", divide="ignore"):
        known = [np.isfinite(deviations(v, everywhere)[2]) for v in (x, y)]
        (dx, _, xx), (dy, _, yy) = (deviations(ranks(v), everywhere) for v in (x, y))
        return np.where(known[0] & known[1], (dx * dy).sum(axis=-1) / np.sqrt(xx * yy), np.nan)


def ranks(x):
    """Ranks along the last axis of a NumPy array without NaN; ties have their mean.

    scipy.stats.rankdata gives the same, but half of the time in which a job starts would go to its import.
    """
    rows = x.reshape(-1, x.shape[-1])
    places = ([np.searchsorted(np.sort(row), row, side) for side in ("left", "right")] for row in rows)
    return np.array([(below + up_to + 1) / 2 for below, up_to in places]).reshape(x.shape)
