"""Matrices that carry a power of two as their scale, so that products of any length neither underflow nor overflow.

Scaling by a power of two does not round.
"""

from collections import deque
from typing import NamedTuple

import numpy as np

from engine.common.backend import namespace
from engine.common.safe import log

LOG_2 = float(np.log(2))


class Scaled(NamedTuple):
    """The matrices values * 2^exponent; the largest |entry| of values lies near 1 unless all are 0."""

    values: object  # (..., H, H)
    exponent: object  # (..., 1, 1), whole numbers


# Below every exponent that can occur, yet finite, so that the difference of two of them is 0 and not NaN.
EXPONENT_OF_ZERO = -(2.0**60)


def scaled(values, axes=(-2, -1)):
    """`values` (..., H, H) as Scaled, with the power of two of the largest |entry| over `axes` taken out."""
    xp = namespace(values)
    peak = xp.max(xp.abs(values), axis=axes, keepdims=True)
    # The inverse of a smaller power of two than 2^-1022 could overflow.
    exponent = xp.clip(xp.floor(xp.log2(xp.where(peak > 0, peak, 1))), -1022, None)
    return Scaled(values * 2.0**-exponent, xp.where(peak > 0, exponent, EXPONENT_OF_ZERO))


def times(M, X):
    """M X as Scaled, for matrices M without a scale."""
    return shifted(M @ X.values, X.exponent)


def products(factors):
    """Yields J_1, J_2 J_1, J_3 J_2 J_1, ... as Scaled from the factors J_1, J_2, ... (..., H, H)."""
    X = None
    for J in factors:
        X = scaled(J) if X is None else times(J, X)
        yield X


def product(J):
    """J_h ... J_1 as Scaled, from the factors J (h, ..., H, H)."""
    return deque(products(J[i, ...] for i in range(J.shape[0])), maxlen=1).pop()


def plus(X, Y):
    """X + Y as Scaled."""
    xp = namespace(X.values)
    common = xp.maximum(X.exponent, Y.exponent)
    values = X.values * 2.0 ** (X.exponent - common) + Y.values * 2.0 ** (Y.exponent - common)
    return shifted(values, common)


def shifted(values, exponent, axes=(-2, -1)):
    """values * 2^exponent as Scaled, with a new scale."""
    values, own = scaled(values, axes)
    return Scaled(values, namespace(values).where(own > EXPONENT_OF_ZERO, own + exponent, own))


def log_frobenius_norm(X):
    """log ||X||_F (...) of Scaled (..., H, H); -inf if X is 0."""
    xp = namespace(X.values)
    squared = xp.sum(X.values * X.values, axis=(-2, -1))
    return log(squared) / 2 + X.exponent[..., 0, 0] * LOG_2
