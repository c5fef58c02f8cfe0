"""Logs, ratios and norms of arrays whose values may be 0 or may have squares that underflow."""

from sys import float_info

from engine.common.backend import namespace

ROUNDING = float_info.epsilon  # of double precision, 2^-52


def log(x):
    """log x; -inf if x is 0, NaN if x is NaN."""
    xp = namespace(x)
    return xp.where(x == 0, -float("inf"), xp.log(xp.where(x == 0, 1, x)))


def ratio(x, y):
    """x / y; NaN if y is 0."""
    xp = namespace(y)
    return xp.where(y == 0, xp.nan, x / xp.where(y == 0, 1, y))


def log_norm(x):
    """log of the 2-norm over the last axis; -inf if x is 0."""
    xp = namespace(x)
    peak = xp.max(xp.abs(x), axis=-1)
    relative = x / xp.where(peak == 0, 1, peak)[..., None]
    return log(peak) + log(xp.sum(relative * relative, axis=-1)) / 2
