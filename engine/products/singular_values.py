"""[ANI.J] Singular values of products of Jacobians: each to high relative accuracy, or NaN.

A product is formed in halves, with a bound on its rounding error: that of L R is ||L|| times that of R, plus ||R||
times that of L, plus the rounding of this multiplication. Singular values far above the bound are accurate.

If one of the first r is smaller, the product is accumulated as Q T with an orthogonal Q, by a new QR factorisation
every few factors, before rounding of large directions covers small ones: the rows of the triangular T decrease as the
singular values do, and each keeps its own digits. Two errors remain. At each factorisation row i gets the rounding
error of the product, divided by |R_ii|. And one-sided Jacobi rotations give every singular value of T to rounding times
the condition number of T with its rows scaled to unit norm. Both are estimates. So T is computed twice, with different
rounding, and a value counts only if both agree. A value that is not resolved is NaN.
"""

from typing import NamedTuple

import numpy as np

from engine.common import safe
from engine.common.backend import identity, like, namespace, to_host
from engine.common.safe import ROUNDING
from engine.products.formed_numba import LARGE, fill_formed
from engine.products.graded_numba import fill_graded
from engine.products.linalg import qr, row_scaled_singular_values, singular_values
from engine.products.scaled import LOG_2, Scaled, scaled, shifted, times

RELATIVE_ERROR = 1e-6
# Factors between two QR factorisations, two groupings at a time. Four Jacobians spread the first singular values by a
# factor below 100; with saturated gates, a single one may spread them more.
GROUPS = ((4, 3), (1, 2))
APART = 1e4  # rows left out of T change a value that is APART times larger by less than 1e-8 of it
SMALLEST = 1e-290  # of T at unit size; below, digits are lost to underflow


class Formed(NamedTuple):
    """The product values * 2^exponent of some factors, and a bound on its rounding error."""

    values: object  # (..., H, H)
    exponent: object  # (..., 1, 1), whole numbers
    norm: object  # (...), ||values||_F
    error: object  # (...), of `values`


def log_singular_values(J, r=None):
    """log s_1 >= ... >= s_H of J_h ... J_1, (batch..., H), from the factors J (h, batch..., H, H).

    s_1..s_r (by default all) are accurate to RELATIVE_ERROR, or NaN. All are -inf if the product is 0.
    """
    return log_values(formed(J), r, lambda: J)


def log_values(product, r, factors):
    """`log_singular_values` of a product that is Formed; `factors` gives J, which only small values need."""
    xp, H = namespace(product.values), product.values.shape[-1]
    s = singular_values(product.values)
    resolved = s * RELATIVE_ERROR > product.error[..., None]
    zero = s[..., :1] == 0
    log_s = safe.log(s) + product.exponent[..., 0] * LOG_2
    log_s = xp.where(zero, -float("inf"), xp.where(resolved, log_s, xp.nan))
    left = to_host(~resolved[..., (r or H) - 1] & ~zero[..., 0])
    if not left.any():
        return log_s
    chains, J = np.flatnonzero(left), factors()
    values = to_host(log_s).copy().reshape(-1, H)
    J, Phi = xp.reshape(J, (J.shape[0], -1, H, H)), xp.reshape(product.values, (-1, H, H))
    values[chains] = graded_where_it_holds(J, Phi, chains, values[chains], r or H)
    return like(log_s, values.reshape(log_s.shape))


def log_frobenius_norm(whole):
    """log ||Phi||_F (batch...) of a product that is Formed; -inf if it is 0."""
    return safe.log(whole.norm) + whole.exponent[..., 0, 0] * LOG_2


def formed(J):
    """J_h ... J_1 as Formed (batch..., H, H)."""
    xp, norm = namespace(J), frobenius(J)
    X = in_range(Formed(J, xp.zeros_like(norm)[..., None, None], norm, xp.zeros_like(norm)))
    while X.values.shape[0] > 1:
        odd = X.values.shape[0] % 2  # the first factor then waits for the next round
        later, earlier = (Formed(*(part[first::2, ...] for part in X)) for first in (odd + 1, odd))
        found = multiplied(later, earlier)
        X = Formed(*(xp.concat([x[:1, ...], y]) for x, y in zip(X, found, strict=True))) if odd else found
    return Formed(*(part[0, ...] for part in X))


def formed_to_the_end(J, lags):
    """{lag: `formed` of the last `lag` factors of J}, from the product of a shorter lag and the factors before it.

    The shorter lag is at least half of it, if there is one: then the bound is not much larger than that of `formed`.
    """
    found, h = {}, J.shape[0]
    for lag, half in halves(lags).items():
        part = formed(J[h - lag : h - half, ...])
        found[lag] = multiplied(found[half], part) if half else part
    return found


def halves(lags):
    """{lag: the shorter lag whose product enters its own, or 0}, rising."""
    found = {}
    for lag in sorted(set(lags)):
        found[lag] = next((shorter for shorter in found if 2 * shorter >= lag), max(found, default=0))
    return found


def formed_of_terms(kept, scales, matrices, lags):
    """`formed_to_the_end` of factors diag(kept) + sum_k diag(scale_k) M_k, Formed (member, chain, H, H), by lag.

    NumPy: kept (member, chain, h, H), scales (member, chain, h, k, H), matrices (member, k, H, H).
    """
    parts, (members, chains, _, H) = halves(lags), kept.shape
    shape = members, chains, len(parts)
    found = np.empty((*shape, H, H)), *(np.empty(shape) for _ in range(3))
    rising = [0, *parts]
    of_lags = np.array(list(parts)), np.array([rising.index(half) - 1 for half in parts.values()])
    kept, scales, matrices = map(np.ascontiguousarray, (kept, scales, matrices))
    for m in range(members):
        fill_formed(kept[m], scales[m], matrices[m], *of_lags, *(part[m] for part in found))
    by_lag = zip(*(np.moveaxis(part, 2, 0) for part in found), strict=True)
    return {
        lag: Formed(values, exponent[..., None, None], norm, error)
        for lag, (values, exponent, norm, error) in zip(parts, by_lag, strict=True)
    }


def multiplied(later, earlier):
    """The product of two Formed."""
    values, exponent = later.values @ earlier.values, later.exponent + earlier.exponent
    f, g = later.norm, earlier.norm
    error = f * earlier.error + g * later.error + ROUNDING * f * g
    return in_range(Formed(values, exponent, frobenius(values), error))


def in_range(X):
    """X with new scales, if a product of two could overflow or underflow."""
    xp = namespace(X.norm)
    if bool(xp.all((X.norm > 1 / LARGE) & (X.norm < LARGE))):
        return X
    values, exponent = shifted(X.values, X.exponent)
    norm = frobenius(values)
    gone = xp.clip((X.exponent - exponent)[..., 0, 0], -1022, 1022)
    return Formed(values, exponent, norm, xp.where(norm > 0, X.error * 2.0**gone, 0))


def frobenius(X):
    """||X||_F over the last two axes."""
    xp = namespace(X)
    x = xp.reshape(X, (*X.shape[:-2], -1))
    with np.errstate(over="ignore"):  # infinity counts as out of range
        return xp.sqrt((x[..., None, :] @ x[..., :, None])[..., 0, 0])


def falling_columns(X):
    """The permutations (batch, H, H) that sort the columns of X (batch, H, H) by falling norm."""
    xp = namespace(X)
    order = xp.argsort(-xp.sum(X * X, axis=-2), axis=-1, stable=True)
    one = xp.broadcast_to(identity(X, X.shape[-1]), X.shape)
    return xp.take_along_axis(one, xp.broadcast_to(order[:, None, :], X.shape), axis=-1)


def graded_where_it_holds(J, Phi, chains, known, r):
    """`known` (chain, H), NumPy, with the values that are resolved of chains of J (h, batch, H, H), products Phi.

    Chains with a NaN among the first r values are tried again from their other end, and then in smaller groups: Phi^T
    has the same singular values, and its T another condition.
    """
    for groups in GROUPS:
        for turned in (False, True):
            rows = np.flatnonzero(np.isnan(known[:, :r]).any(axis=1))
            if len(rows):
                xp, some = namespace(J), like(J, chains[rows])
                factors, whole = xp.take(J, some, axis=1), xp.take(Phi, some, axis=0)
                if turned:
                    factors, whole = xp.matrix_transpose(xp.flip(factors, axis=0)), xp.matrix_transpose(whole)
                found = agreed_log_values(factors, falling_columns(whole), groups)
                known[rows] = np.where(np.isnan(found), known[rows], found)
    return known


def agreed_log_values(J, start, groups):
    """`graded_log_values`; NaN where two groupings differ: they round differently, so what agrees is not rounding."""
    first, second = (graded_log_values(J, start, factors) for factors in groups)
    with np.errstate(invalid="ignore"):  # -inf or NaN: no agreement
        return np.where(np.abs(first - second) < RELATIVE_ERROR / 2, first, np.nan)


def graded_log_values(J, start, factors):
    """log singular values (chain, H), NumPy, of chains of factors (h, chain, H, H); NaN if not resolved."""
    xp = namespace(J)
    T, lost = graded_factor(J, start, factors)
    lost = np.maximum.accumulate(to_host(lost), axis=-1) + ROUNDING * J.shape[0]
    kept = like(T.values, lost < RELATIVE_ERROR)[..., None]
    rest = to_host(frobenius(xp.where(kept, 0.0, T.values)))
    s, condition = map(to_host, row_scaled_singular_values(xp.where(kept, T.values, 0.0)))
    with np.errstate(invalid="ignore", divide="ignore", over="ignore"):
        holds = (lost * condition[:, None] < RELATIVE_ERROR) & (s > APART * rest[:, None]) & (s > SMALLEST)
        return np.where(holds, np.log(s) + to_host(T.exponent)[..., 0] * LOG_2, np.nan)


def graded_factor(J, start, factors):
    """T as Scaled (chain, H, H) with J_h ... J_1 `start` = Q T, and the relative rounding error of each row (chain, H).

    Q and `start` (chain, H, H) are orthogonal.
    """
    if namespace(J) is np:
        return compiled_graded_factor(J, start, factors)
    xp, Q, one = namespace(J), start, identity(J, J.shape[-1])
    T, lost = scaled(one + xp.zeros_like(Q)), 0.0
    for first in range(0, J.shape[0], factors):
        error, exponent = 0.0, 0.0
        for t in range(first, min(first + factors, J.shape[0])):
            factor = scaled(J[t, ...])
            error = frobenius(factor.values) * (error + ROUNDING * frobenius(Q))
            Q, exponent = factor.values @ Q, exponent + factor.exponent
        Q, R = qr(Q)
        lost = lost + safe.ratio(error[..., None], xp.abs(xp.sum(R * one, axis=-1)))
        T = times(R, T)
        T = shifted(T.values, T.exponent + exponent)
    return T, xp.where(xp.isnan(lost), float("inf"), lost)


def compiled_graded_factor(J, start, factors):
    """`graded_factor` of NumPy arrays by compiled code."""
    T, exponent, lost = np.empty(start.shape), np.empty(len(start)), np.empty(start.shape[:2])
    fill_graded(np.asarray(J, np.float64, order="C"), np.ascontiguousarray(start), factors, T, exponent, lost)
    return Scaled(T, exponent[:, None, None]), lost
