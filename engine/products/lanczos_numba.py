"""engine.products.lanczos for compiled code: for many matrices along the last axis, and for one explicit matrix."""

import math
from collections import namedtuple

import numpy as np

from engine.common import jit
from engine.products import linalg_numba
from engine.products.linalg_numba import copy_row, inner, is_definite, scale_to

FORMED_STEPS = 64  # with an explicit matrix
FIRST_CHECK, STEPS_BETWEEN_CHECKS = 12, 4  # with an explicit matrix a check costs more than a step
AT_REST = 1e-4  # beta / theta where only a cluster of eigenvalues is left
FIRST_GROWTH = 1e-2  # with which the first proof is tried: residuals are then near 1e-6 theta
TINY = 1e-130  # below, squares underflow

# For n matrices x - T: x, the last pivot d and its slope in x, the inverse of the last pivot so far, the derivative of
# log det(x - T), and whether Newton's method still moves; each (n).
Newton = namedtuple("Newton", "x d slope inverse rate moves")
# For one matrix: v, the v before and w (3, H), alpha and beta2 (step, 1), theta (1), Newton, room for a factor (H, H).
Alone = namedtuple("Alone", "vectors alpha beta2 theta newton factor")

compiled = jit.compiled(fastmath={"reassoc", "contract", "nsz"}, error_model="numpy", uses=[linalg_numba])


@compiled
def make_newton(n):
    return Newton(np.empty(n), np.empty(n), np.empty(n), np.empty(n), np.empty(n), np.empty(n, np.bool_))


@compiled
def make_alone(H):
    columns = (FORMED_STEPS, 1)
    return Alone(np.empty((3, H)), np.empty(columns), np.empty(columns), np.empty(1), make_newton(1), np.empty((H, H)))


@compiled
def bound(rho, squares):
    """Upper bound of nonnegative eigenvalues with sum `rho` and sum of squares at most `squares`."""
    return min(rho, math.sqrt(max(squares, 0.0)))


@compiled
def raise_theta(n, alpha, beta2, step, theta):
    """Raises theta (n) to the starts of Newton's method, see engine.products.lanczos.ritz_value."""
    for i in range(n):
        half = 0.5 * (theta[i] - alpha[step, i])
        theta[i] = theta[i] - half + math.sqrt(half * half + beta2[step - 1, i]) if step else alpha[0, i]


@compiled
def update_ritz_values(n, alpha, beta2, step, theta, rule, newton):
    """engine.products.lanczos.ritz_value of n matrices after `raise_theta`; last pivots at theta (1 + tolerance)."""
    x = newton.x
    for i in range(n):
        x[i], newton.moves[i] = theta[i], step > 0
    moving = step > 0
    for _ in range(rule.newton_steps):
        if not moving:
            break
        last_pivots(n, alpha, beta2, step, newton)
        moving = False
        for i in range(n):  # NaN does not move, and proves nothing
            newton.moves[i] = rule.newton_error * x[i] * abs(newton.rate[i]) < 1
            moving |= newton.moves[i]
            x[i] -= 1 / newton.rate[i]
    for i in range(n):
        theta[i] = x[i]
        x[i] *= 1 + rule.tolerance
    last_pivots(n, alpha, beta2, step, newton)


@compiled
def last_pivots(n, alpha, beta2, step, newton):
    """engine.products.lanczos.last_pivot of n matrices along the last axis, which the compiler vectorises."""
    x, d, slope, inverse, rate = newton.x, newton.d, newton.slope, newton.inverse, newton.rate
    for i in range(n):
        d[i], slope[i] = x[i] - alpha[0, i], 1.0
        inverse[i] = 1 / d[i]
        rate[i] = inverse[i]
    for j in range(1, step + 1):
        for i in range(n):
            ratio = beta2[j - 1, i] * inverse[i]
            slope[i] = 1 + ratio * inverse[i] * slope[i]
            d[i] = x[i] - alpha[j, i] - ratio
            inverse[i] = 1 / d[i]
            rate[i] += slope[i] * inverse[i]


@compiled
def largest_eigenvalue(M, start, rule, alone):
    """The largest eigenvalue of M (H, H); NaN if the iteration does not converge, or finds another eigenvalue.

    The proof: x I - M has a Cholesky factor only if x is above all eigenvalues.
    """
    v, before, w = alone.vectors[0], alone.vectors[1], alone.vectors[2]
    alpha, beta2, theta, newton = alone.alpha, alone.beta2, alone.theta, alone.newton
    copy_row(start, v)
    before[:] = 0.0
    beta, enough = 0.0, FIRST_GROWTH
    for step in range(FORMED_STEPS):
        np.dot(M, v, w)
        alpha[step, 0] = inner(v, w)
        for h in range(w.size):
            w[h] -= alpha[step, 0] * v[h] + beta * before[h]
        beta2[step, 0] = inner(w, w)
        beta = math.sqrt(beta2[step, 0])
        raise_theta(1, alpha, beta2, step, theta)
        at_rest = beta < AT_REST * theta[0]
        if at_rest or (step + 1 >= FIRST_CHECK and (step + 1) % STEPS_BETWEEN_CHECKS == 0):
            update_ritz_values(1, alpha, beta2, step, theta, rule, newton)
            if not newton.moves[0] and growth(alpha, beta2, step, newton.x[0]) > enough:
                if theta[0] > TINY and is_definite(newton.x[0], M, alone.factor):
                    return theta[0]
                enough *= 100
        copy_row(v, before)
        scale_to(w, 1 / beta, v)
    return np.nan


@compiled
def largest_of_each(M, start, rule, found):
    """Fills found (n) with `largest_eigenvalue` of each of M (n, H, H)."""
    alone = make_alone(len(start))
    for i in range(len(M)):
        found[i] = largest_eigenvalue(M[i], start, rule, alone)


@compiled
def growth(alpha, beta2, step, x):
    """Growth of the component along an eigenvector of the eigenvalue x; its share in `start` is below the inverse."""
    d, magnified = 1.0, 1.0
    for j in range(step + 1):
        d = x - alpha[j, 0] - (beta2[j - 1, 0] / d if j else 0.0)
        magnified *= d / math.sqrt(beta2[j, 0])
    return magnified
