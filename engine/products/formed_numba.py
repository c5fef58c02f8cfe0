"""The compiled form of `formed_to_the_end` of engine.products.singular_values, for factors that are given by terms.

A factor is J = diag(kept) + sum_k diag(scale_k) M_k. The factors of a chain are made in the cache and stay there.
"""

import math
from collections import namedtuple

import numpy as np

from engine.common import jit
from engine.common.safe import ROUNDING
from engine.products import linalg_numba
from engine.products.linalg_numba import copy, frobenius, scale_to, take_power

LARGE = 1e60  # a norm beyond it, or below its inverse, gets a new scale

# Some matrices (n, H, H), and of each the exponent, ||values||_F and a bound on its rounding error (n).
Matrices = namedtuple("Matrices", "values exponent norm error")

compiled = jit.compiled(fastmath={"reassoc", "contract", "nsz"}, error_model="numpy", uses=[linalg_numba])


@compiled
def fill_formed(kept, scales, matrices, lags, halves, values, exponent, norm, error):
    """Fills the products of the last `lags` factors of each chain of a network: (chain, lag, H, H) and (chain, lag).

    From kept (chain, h, H), scales (chain, h, k, H), matrices (k, H, H). Lags rise; halves[i] is the place of the lag
    whose product enters that of lags[i], or -1.
    """
    chains, h, H = kept.shape
    J, X, Y = make_matrices(h, H), make_matrices(h // 2 + 1, H), make_matrices(h // 2 + 1, H)
    for chain in range(chains):
        for j in range(h):
            fill_factor(kept[chain, j], scales[chain, j], matrices, J.values[j])
            J.exponent[j], J.error[j] = 0.0, 0.0
            measure(J, j)
        found = Matrices(values[chain], exponent[chain], norm[chain], error[chain])
        for i in range(len(lags)):
            shorter = lags[halves[i]] if halves[i] >= 0 else 0
            part, at = multiplied_in_halves(J, h - lags[i], h - shorter, X, Y)
            if halves[i] >= 0:
                multiply(found, halves[i], part, at, found, i)
            else:
                move(part, at, found, i)


@compiled
def fill_factors(kept, scales, matrices, J):
    """Fills J (step, batch, H, H) from kept (step, batch, H), scales (step, batch, k, H), matrices (k, H, H)."""
    for t in range(J.shape[0]):
        for b in range(J.shape[1]):
            fill_factor(kept[t, b], scales[t, b], matrices, J[t, b])


@compiled
def make_matrices(n, H):
    return Matrices(np.empty((n, H, H)), np.empty(n), np.empty(n), np.empty(n))


@compiled
def fill_factor(kept, scales, matrices, J):
    H = len(kept)
    for i in range(H):
        scale_to(matrices[0, i], scales[0, i], J[i])
        for k in range(1, len(matrices)):
            factor = scales[k, i]
            for j in range(H):
                J[i, j] += factor * matrices[k, i, j]
        J[i, i] += kept[i]


@compiled
def multiplied_in_halves(J, first, last, X, Y):
    """J_{last-1} ... J_first, as the place of a matrix in X, Y or J; X and Y are overwritten."""
    n = last - first
    if n == 1:
        return J, first
    fill_next(J, first, n, X)
    n -= n // 2
    while n > 1:
        fill_next(X, 0, n, Y)
        X, Y, n = Y, X, n - n // 2
    return X, 0


@compiled
def fill_next(X, first, n, Y):
    """Y: products of two neighbours among n of X; if n is odd, the first waits."""
    odd = n % 2
    if odd:
        move(X, first, Y, 0)
    for i in range(n // 2):
        at = first + odd + 2 * i
        multiply(X, at + 1, X, at, Y, odd + i)


@compiled
def move(X, i, Y, k):
    copy(X.values[i], Y.values[k])
    Y.exponent[k], Y.norm[k], Y.error[k] = X.exponent[i], X.norm[i], X.error[i]


@compiled
def multiply(later, i, earlier, j, found, k):
    """`multiplied` of engine.products.singular_values."""
    f, g = later.norm[i], earlier.norm[j]
    np.dot(later.values[i], earlier.values[j], found.values[k])
    found.exponent[k] = later.exponent[i] + earlier.exponent[j]
    found.error[k] = f * earlier.error[j] + g * later.error[i] + ROUNDING * f * g
    measure(found, k)


@compiled
def measure(X, i):
    """Sets the norm of matrix i, and gives it a new scale if a product of two such could overflow or underflow."""
    X.norm[i] = frobenius(X.values[i])
    if 1 / LARGE < X.norm[i] < LARGE:
        return
    power = take_power(X.values[i])
    X.norm[i] = frobenius(X.values[i])
    if X.norm[i] == 0:
        X.exponent[i], X.error[i] = 0.0, 0.0
        return
    X.exponent[i] += power
    X.error[i] *= math.ldexp(1.0, int(max(-power, -1022.0)))
