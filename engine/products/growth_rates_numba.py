"""The compiled form of `carried` of engine.products.growth_rates.

Between the ends of two blocks directions need not be orthonormal. J_n ... J_1 Q = Z U with triangular U and any Z
serves as well: Z takes the place of Q, the next steps multiply U by a triangular matrix, and so the logs of the
diagonals add up. Z U is found by Gaussian elimination with exchanges of rows. It takes a fourth of the time of a QR
factorization, and rounds each row relative to its own size: where units are saturated, rows of J are small, and more
digits remain.
"""

import math
from itertools import chain, islice

import numpy as np
from numba import types

from engine.common import jit, safe
from engine.common.safe import ROUNDING
from engine.products import linalg_numba
from engine.products.linalg import orthonormal
from engine.products.linalg_numba import copy, inner

MOST_STEPS = 8  # between two factorizations
LARGEST_GROWTH = 6.0  # of |log U_ii| between them

# LAPACK's dgetrf as numba.linalg calls it: kind, rows, columns, matrix, rows in memory, exchanges.
getrf = types.ExternalFunction(
    "numba_xxgetrf",
    types.intc(
        types.char, types.intp, types.intp, types.CPointer(types.float64), types.intp, types.CPointer(types.intc)
    ),
)
KIND = ord("d")

compiled = jit.compiled(fastmath={"reassoc", "contract", "nsz"}, error_model="numpy", uses=[linalg_numba])


def carried(jacobians, Q, length, steps):
    """`carried` of engine.products.growth_rates, NumPy; `steps` has an entry for each chain of Jacobians."""
    if not length:
        return Q, 0.0, 0.0, steps
    first, (H, k) = next(jacobians), Q.shape[-2:]
    shape = first.shape[:-2]
    rows = np.array(np.broadcast_to(np.swapaxes(Q, -1, -2), (*shape, k, H)), order="C")
    growth, error = np.zeros((2, *shape, k))
    since, steps = np.zeros(shape, int), np.array(np.broadcast_to(steps, shape))
    of_chains = [x.reshape(-1, *x.shape[len(shape) :]) for x in (rows, growth, error, since, steps)]
    for t, J in enumerate(chain([first], islice(jacobians, length - 1)), start=1):
        carry(np.ascontiguousarray(J).reshape(-1, H, H), *of_chains, t == length)
    Q, R = orthonormal(np.swapaxes(rows, -1, -2))
    return Q, growth + safe.log(np.abs(R)), error, steps


@compiled
def carry(J, rows, growth, lost, since, steps, last):
    """Replaces rows (chain, k, H) by rows J^T, and from time to time by Z; then adds to growth and `lost` (chain, k).

    `since` (chain) is the number of steps since the last factorization, `steps` (chain) that at which the next one is
    due; the `last` step has one in any case.
    """
    found = np.empty(rows.shape[1:])
    for c in range(len(rows)):
        np.dot(rows[c], J[c].T, found)
        since[c] += 1
        if since[c] < steps[c] and not last:
            copy(found, rows[c])
            continue
        largest = eliminate(found, since[c], growth[c], lost[c], rows[c])
        steps[c] = min(max(LARGEST_GROWTH * since[c] / max(largest, 1e-9), 1), MOST_STEPS)
        since[c] = 0


@compiled
def eliminate(V, steps, growth, lost, Z):
    """Fills Z by (P L)^T, where V^T = P L U, (k, H) each, and adds log |U_ii| to growth (k), which `steps` have led to.

    Adds to `lost` an estimate of the share of U_ii that is rounding. Overwrites V. Returns the largest |log U_ii| that
    is finite.
    """
    k, H = V.shape
    norms, exchanges, order = np.empty(H), np.empty(k, np.intc), np.empty(H, np.int64)
    fill_norms(V, norms)
    getrf(KIND, H, k, V.ctypes, H, exchanges.ctypes)
    fill_order(exchanges, order)
    add_lost(V, norms, order, steps, lost)
    largest = 0.0
    for i in range(k):
        log_U = math.log(abs(V[i, i]))
        growth[i] += log_U
        if abs(log_U) < np.inf:
            largest = max(largest, abs(log_U))
        place(V[i], order, i, Z[i])
    return largest


@compiled
def fill_norms(V, norms):
    """Fills norms (H) with those of the columns of V (k, H)."""
    norms[:] = 0.0
    for i in range(len(V)):
        for j in range(V.shape[1]):
            norms[j] += V[i, j] ** 2
    for j in range(norms.size):
        norms[j] = math.sqrt(norms[j])


@compiled
def fill_order(exchanges, order):
    """Fills in where the rows were before row i was exchanged with row exchanges[i] - 1, one i after the other."""
    for i in range(order.size):
        order[i] = i
    for i in range(exchanges.size):
        j = exchanges[i] - 1
        order[i], order[j] = order[j], order[i]


@compiled
def add_lost(LU, norms, order, steps, lost):
    """Adds to `lost` (k) an estimate of the share of U_ii that is rounding, from LU (k, H), which is (L - I + U)^T.

    A row of P L U rounds relative to its own norm, one of `norms`. So with these norms as D, rounding enters U through
    the inverse of D^-1 L D. It is as large as the solution for the right-hand side of 1 and -1 that makes it largest,
    with each sign chosen by itself (LINPACK's estimate).
    """
    (k, H), inverse = LU.shape, 1.0
    solution = np.empty(k)
    for i in range(k - 1, -1, -1):
        norm = norms[order[i]]
        known = norm * inner(LU[i, i + 1 : k], solution[i + 1 :])
        inverse = max(inverse, 1 + abs(known))
        solution[i] = (-known - math.copysign(1.0, known)) / norm if norm > 0 else 0.0
    rounding = steps * ROUNDING * math.sqrt(H) * inverse  # an entry is a sum of H numbers
    for i in range(k):
        norm = norms[order[i]]
        lost[i] += rounding * norm / abs(LU[i, i]) if norm > 0 else 0.0


@compiled
def place(row, order, i, found):
    """Column i of P L, from its entries below the diagonal in `row`."""
    for j in range(i):
        found[order[j]] = 0.0
    found[order[i]] = 1.0
    for j in range(i + 1, row.size):
        found[order[j]] = row[j]
