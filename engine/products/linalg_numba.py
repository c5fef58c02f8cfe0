"""Operations on single matrices and rows, for compiled code."""

import math

import numpy as np

from engine.common import jit

compiled = jit.compiled(fastmath={"reassoc", "contract", "nsz"}, error_model="numpy")


@compiled
def set_identity(X):
    for i in range(X.shape[0]):
        for j in range(X.shape[1]):
            X[i, j] = 1.0 if i == j else 0.0


@compiled
def copy(X, Y):
    for i in range(X.shape[0]):
        copy_row(X[i], Y[i])


@compiled
def copy_row(x, y):
    for i in range(x.size):
        y[i] = x[i]


@compiled
def scale_to(x, factor, y):
    for i in range(x.size):
        y[i] = factor * x[i]


@compiled
def inner(x, y):
    total = 0.0
    for i in range(x.size):
        total += x[i] * y[i]
    return total


@compiled
def frobenius(X):
    flat = X.reshape(-1)
    return math.sqrt(inner(flat, flat))


@compiled
def take_power(X):
    """Divides X by the power of two above its largest entry, if there is one, and returns the exponent."""
    flat, peak = X.reshape(-1), 0.0
    for i in range(flat.size):
        peak = max(peak, abs(flat[i]))
    if peak == 0:
        return 0.0
    power = max(math.frexp(peak)[1], -1022)  # the inverse of a smaller power of two could overflow
    scale_to(flat, math.ldexp(1.0, -power), flat)
    return float(power)


@compiled
def apply(rows, matrix, is_identity, found):
    if is_identity:
        copy(rows, found)
    else:
        np.dot(rows, matrix, found)


@compiled
def transpose(X, Y):
    for i in range(Y.shape[0]):
        for j in range(Y.shape[1]):
            Y[i, j] = X[j, i]


@compiled
def add(X, Y, Z):
    for i in range(X.shape[0]):
        for j in range(X.shape[1]):
            Z[i, j] = X[i, j] + Y[i, j]


@compiled
def take_scale(X):
    """Divides X (term, H, H) by a power of two near its largest entry, if that is far from 1; returns the log of it."""
    flat = X.reshape(-1)
    squared = inner(flat, flat)
    if 1e-40 < squared < 1e40:
        return 0.0
    peak = 0.0
    for i in range(flat.size):
        peak = max(peak, abs(flat[i]))
    if peak == 0:
        return -np.inf
    exponent = max(math.frexp(peak)[1], -1022)  # the inverse of a smaller power of two could overflow
    scale_to(flat, math.ldexp(1.0, -exponent), flat)
    return exponent * math.log(2.0)


@compiled
def is_definite(x, M, factor):
    """Whether x I - M is positive definite, by a Cholesky factorisation with two rows and columns at a time."""
    H = len(M)
    for i in range(0, H, 2):
        k = min(i + 1, H - 1)
        for j in range(0, i, 2):
            a, b, c, d = M[i, j], M[i, j + 1], M[k, j], M[k, j + 1]
            for h in range(j):
                a += factor[i, h] * factor[j, h]
                b += factor[i, h] * factor[j + 1, h]
                c += factor[k, h] * factor[j, h]
                d += factor[k, h] * factor[j + 1, h]
            factor[i, j], factor[k, j] = -a / factor[j, j], -c / factor[j, j]
            factor[i, j + 1] = -(b + factor[i, j] * factor[j + 1, j]) / factor[j + 1, j + 1]
            factor[k, j + 1] = -(d + factor[k, j] * factor[j + 1, j]) / factor[j + 1, j + 1]
        pivot = x - M[i, i] - inner(factor[i, :i], factor[i, :i])
        if not pivot > 0:
            return False
        factor[i, i] = math.sqrt(pivot)
        if k > i:
            factor[k, i] = -(M[k, i] + inner(factor[k, :i], factor[i, :i])) / factor[i, i]
            pivot = x - M[k, k] - inner(factor[k, :k], factor[k, :k])
            if not pivot > 0:
                return False
            factor[k, k] = math.sqrt(pivot)
    return True
