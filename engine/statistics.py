"""Medians, fits and intervals over what has been measured; host arrays."""

import numpy as np


def log_median(log_x, axis):
    """log of the median of x along `axis`, from log x, where x itself may be too small for a float."""
    ordered = np.sort(log_x, axis=axis)
    n = ordered.shape[axis]
    low, high = np.take(ordered, (n - 1) // 2, axis), np.take(ordered, n // 2, axis)
    return low if n % 2 else np.logaddexp(low, high) - np.log(2)


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
