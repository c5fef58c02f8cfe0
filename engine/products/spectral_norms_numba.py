"""The compiled form of engine.products.spectral_norms for NumPy arrays: the same blocks and iteration, in cache.

A block is cut into tiles. A matrix is applied to all pairs of its tile at once, and a pair leaves as soon as it has
converged. Transposes are stored, since BLAS multiplies untransposed matrices faster.

All of it stands in this one file: what Numba keeps on disk is made anew after an edit of its own file alone.
"""

import math
from collections import namedtuple

import numpy as np
from numba import types
from numba.extending import intrinsic, overload

from engine.common import jit

TILE = 8  # along t and along k: the matrices of a tile stay in a level-2 cache, 1 MB at H = 64
STEPS = 64
TINY = 1e-130  # below, residuals underflow, see engine.products.spectral_norms_plain

# (term, count, H, H) both, and the log of each product's scale (count,)
Factors = namedtuple("Factors", "matrix transposed log_scale")
# What belongs to a pair (t, k) stands at [k, t]. `slot` is its row where the live pairs of a t or a k are packed.
# v[0] and v[1] are, in turn, the vector of a step and the one before it.
Work = namedtuple("Work", "v after_L after_R rows gathered part alpha beta2 theta last2 largest x d slope live slot")


compiled = jit.compiled(fastmath={"reassoc", "contract", "nsz"}, error_model="numpy")


def without_refcount(x):
    """An array, or a tuple of them, whose references compiled code does not count; it must be kept alive elsewhere.

    The loops below take slices by the million, and a count is an atomic operation: a fifth of all time.
    """
    return x


@overload(without_refcount)
def _(x):
    return lambda x: strip_refcount(x)


@intrinsic
def strip_refcount(typing_context, x):
    def stripped(context, builder, kind, value):
        if isinstance(kind, types.Array):
            array = context.make_array(kind)(context, builder, value)
            array.meminfo = array.meminfo.type(None)
            return array._getvalue()
        for i, part in enumerate(kind):
            value = builder.insert_value(value, stripped(context, builder, part, builder.extract_value(value, i)), i)
        return value

    return x(x), lambda context, builder, signature, values: stripped(context, builder, signature.args[0], values[0])


@compiled
def fill_log_norms(A, B, widths, start, tolerance, log_norms):
    """Fills log_norms (term, sample, t, k), k < t counted from 0, from A and B (T, sample, H, H); NaN: not converged.

    Term 0: the products of A. Term 1, if there is one: those with their first-order term in B. `widths` of the blocks;
    `start` (1, H) has unit norm.
    """
    terms, T, samples, H = len(log_norms), *A.shape[:3]
    factors, log_scale = np.empty((T, terms, H, H)), np.empty(T)
    R, L, work = make_factors(terms, TILE, H), make_factors(terms, T, H), make_work(terms, H)
    product, spare = np.empty((terms, H, H)), np.empty((terms, H, H))
    for sample in range(samples):
        for t in range(T):
            copy(A[t, sample], factors[t, 0])
            if terms == 2:
                copy(B[t, sample], factors[t, 1])
            log_scale[t] = take_scale(factors[t])
        memory = factors, log_scale, R, L, product, spare, work
        fill_sample(memory, widths, start, tolerance, log_norms[:, sample])


@compiled
def fill_sample(memory, widths, start, tolerance, log_norms):
    """log_norms (term, t, k) of one sample, whose factors with their scales stand first in `memory`."""
    factors, log_scale, R, L, product, spare, work = without_refcount(memory)
    start, log_norms, T = without_refcount(start), without_refcount(log_norms), len(factors)
    for width in widths:
        for middle in range(width, T, 2 * width):
            fill_L(L, factors, log_scale, middle, width, product, spare)
            set_identity(product)
            reached = 0.0
            for t in range(middle, min(middle + width, T), TILE):
                rows = min(TILE, middle + width - t, T - t)
                reached = fill_R(R, factors, log_scale, t, rows, product, spare, reached)
                for term in range(len(log_norms)):
                    fill_tiles(R, L, term, t, rows, middle, width, start, tolerance, log_norms[term], work)


@compiled
def make_factors(terms, count, H):
    return Factors(np.empty((terms, count, H, H)), np.empty((terms, count, H, H)), np.empty(count))


@compiled
def make_work(terms, H):
    return Work(
        np.empty((2, TILE, TILE, H)),
        np.empty((terms, TILE, TILE, H)), np.empty((terms, TILE, TILE, H)),
        np.empty((TILE, H)), np.empty((TILE, H)), np.empty((TILE, H)),
        np.empty((TILE, STEPS, TILE)), np.empty((TILE, STEPS, TILE)),
        np.empty((TILE, TILE)), np.empty((TILE, TILE)), np.empty((TILE, TILE)),
        np.empty(TILE), np.empty(TILE), np.empty(TILE),
        np.empty((TILE, TILE), np.bool_), np.empty((TILE, TILE), np.int64),
    )  # fmt: skip


@compiled
def fill_L(L, factors, log_scale, middle, width, product, spare):
    """L_i, i < width: F and F + N, or F alone, of the last i factors before `middle`; the first is the identity."""
    terms = len(product)
    set_identity(product)
    scale = 0.0
    for i in range(width):
        if i > 0:
            factor = factors[middle - i]
            if terms == 2:
                np.dot(product[1], factor[0], spare[1])
                np.dot(product[0], factor[1], spare[0])
                add(spare[1], spare[0], product[1])
            np.dot(product[0], factor[0], spare[0])
            copy(spare[0], product[0])
            scale += log_scale[middle - i] + take_scale(product)
        copy(product[0], L.matrix[0, i])
        if terms == 2:
            add(product[0], product[1], L.matrix[1, i])
        for term in range(terms):
            transpose(L.matrix[term, i], L.transposed[term, i])
        L.log_scale[i] = scale


@compiled
def fill_R(R, factors, log_scale, first, rows, product, spare, scale):
    """R_i, i < rows: N and F, or F alone, of the factors up to first + i; `product` with its log `scale` goes on."""
    terms = len(product)
    for i in range(rows):
        factor = factors[first + i]
        if terms == 2:
            np.dot(factor[0], product[1], spare[1])
            np.dot(factor[1], product[0], spare[0])
            add(spare[1], spare[0], product[1])
        np.dot(factor[0], product[0], spare[0])
        copy(spare[0], product[0])
        scale += log_scale[first + i] + take_scale(product)
        for term in range(terms):
            copy(product[terms - 1 - term], R.matrix[term, i])
            transpose(R.matrix[term, i], R.transposed[term, i])
        R.log_scale[i] = scale
    return scale


@compiled
def set_identity(product):
    for term in range(product.shape[0]):
        for i in range(product.shape[1]):
            for j in range(product.shape[2]):
                product[term, i, j] = 1.0 if term == 0 and i == j else 0.0


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
def apply(rows, matrix, term, i, is_identity, found):
    if is_identity:
        copy(rows, found)
    else:
        np.dot(rows, matrix[term, i], found)


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
    """Divides X (term, H, H), where it is far from 1, by a power of two near its largest entry; returns its log."""
    flat = X.reshape(-1)
    squared = 0.0
    for i in range(flat.size):
        squared += flat[i] * flat[i]
    if 1e-40 < squared < 1e40:
        return 0.0
    peak = 0.0
    for i in range(flat.size):
        peak = max(peak, abs(flat[i]))
    if peak == 0:
        return -np.inf
    exponent = max(math.frexp(peak)[1], -1022)  # 2^1022 is the largest power of two that is sure to be finite
    factor = math.ldexp(1.0, -exponent)
    for i in range(flat.size):
        flat[i] *= factor
    return exponent * math.log(2.0)


@compiled
def fill_tiles(R, L, term, t, rows, middle, width, start, tolerance, log_norms, work):
    """log_norms[t + i, k], i < rows, for all k of a block: F_R F_L for term 0, N_R F_L + F_R (F_L + N_L) for term 1."""
    terms = slice(len(R.matrix) - 1 - term, len(R.matrix))
    R_matrix, R_transposed = R.matrix[terms], R.transposed[terms]
    L_matrix, L_transposed = L.matrix[: term + 1], L.transposed[: term + 1]
    for first in range(0, width, TILE):
        columns = min(TILE, width - first)
        begin(L_transposed, first, rows, columns, start, work)
        left = rows * columns
        for step in range(STEPS):
            for i in range(rows):
                through_R(R_matrix, R_transposed, i, columns, step, work)
            for k in range(columns):
                left -= through_L(L_matrix, L_transposed, first, k, rows, step, tolerance, work)
            if left == 0:
                break
        for i in range(rows):
            for k in range(columns):
                log = R.log_scale[i] + L.log_scale[first + k]
                if log > -np.inf:
                    log += 0.5 * math.log(work.largest[k, i])
                log_norms[t + i, middle - 1 - first - k] = log


@compiled
def begin(L_transposed, first, rows, columns, start, work):
    """v = start and y = L_k v for every pair of a tile."""
    for k in range(columns):
        for i in range(rows):
            work.live[i, k], work.slot[i, k], work.largest[k, i] = True, i, np.nan
            for h in range(start.shape[1]):
                work.v[0, k, i, h], work.v[1, k, i, h] = start[0, h], 0.0
        for term in range(len(L_transposed)):
            np.dot(start, L_transposed[term, first + k], work.rows[:1])
            for i in range(rows):
                for h in range(start.shape[1]):
                    work.after_L[term, k, i, h] = work.rows[0, h]


@compiled
def through_R(R_matrix, R_transposed, i, columns, step, work):
    """y -> R_t^T R_t y for the live pairs of one t, packed anew, and alpha = ||R_t y||^2."""
    terms, H = len(R_matrix), R_matrix.shape[2]
    live, slot, z = work.live, work.slot, work.gathered
    for k in range(columns):
        work.alpha[k, step, i] = 0.0  # also where nothing is live: Newton's method sees all pairs of a k
    for term in range(terms):
        n = 0
        for k in range(columns):
            if live[i, k]:
                copy_row(work.after_L[term, k, slot[i, k]], work.rows[n])
                n += 1
        if n == 0:
            return
        if term:
            np.dot(work.rows[:n], R_transposed[term, i], work.part[:n])
            add(work.part[:n], z[:n], z[:n])
        else:
            np.dot(work.rows[:n], R_transposed[term, i], z[:n])
    n = 0
    for k in range(columns):
        if live[i, k]:
            slot[i, k] = n
            squared = 0.0
            for h in range(H):
                squared += z[n, h] * z[n, h]
            work.alpha[k, step, i] = squared
            n += 1
    for term in range(terms):
        np.dot(z[:n], R_matrix[term, i], work.after_R[term, i, :n])


@compiled
def through_L(L_matrix, L_transposed, first, k, rows, step, tolerance, work):
    """y -> w = L_k^T y for the live pairs of one k, and from it the next y = L_k v. Returns how many converged."""
    terms, H = len(L_matrix), L_matrix.shape[2]
    live, slot, w = work.live, work.slot, work.gathered
    v, before = work.v[step % 2, k], work.v[(step + 1) % 2, k]
    for term in range(terms):
        n = 0
        for i in range(rows):
            if live[i, k]:
                copy_row(work.after_R[term, i, slot[i, k]], work.rows[n])
                n += 1
        if n == 0:
            return 0
        apply(work.rows[:n], L_matrix, term, first + k, first + k == 0, work.part[:n] if term else w[:n])
        if term:
            add(work.part[:n], w[:n], w[:n])
    n = 0
    for i in range(rows):
        work.beta2[k, step, i] = 0.0
        if live[i, k]:
            alpha, beta = work.alpha[k, step, i], math.sqrt(work.beta2[k, step - 1, i]) if step else 0.0
            squared = 0.0
            for h in range(H):
                w[n, h] -= alpha * v[i, h] + beta * before[i, h]
                squared += w[n, h] * w[n, h]
            work.beta2[k, step, i] = squared
            slot[i, k] = n
            n += 1
    update_ritz_values(rows, work.alpha[k], work.beta2[k], step, work.theta[k], work.last2[k], work)
    remaining = 0
    for i in range(rows):
        if live[i, k]:
            theta = work.theta[k, i]
            # The squared residual of the Ritz pair, see engine.products.lanczos.ritz_value.
            if work.beta2[k, step, i] * work.last2[k, i] <= (tolerance * theta) ** 2:
                live[i, k] = False
                work.largest[k, i] = theta if theta > TINY else np.nan
            else:
                inverse = 1 / math.sqrt(work.beta2[k, step, i])
                scale_to(w[slot[i, k]], inverse, before[i])
                copy_row(before[i], w[remaining])
                slot[i, k] = remaining
                remaining += 1
    if remaining:
        for term in range(terms):
            apply(w[:remaining], L_transposed, term, first + k, first + k == 0, work.after_L[term, k, :remaining])
    return n - remaining


@compiled
def update_ritz_values(n, alpha, beta2, step, theta, last2, work):
    """The largest eigenvalue theta of each Lanczos matrix and the square of its eigenvector's last entry, one step on.

    By Newton's method on d = det(T_j - x) / det(T_{j-1} - x), from the left of the root: between the old theta and the
    new one d falls and is convex, and leaving out all of its poles but the one at the old theta gives a first x.
    At the root, d' = -1 / (last entry)^2. Matrices lie along the last axis, which the compiler vectorises.
    """
    x, d, slope = work.x, work.d, work.slope
    if step == 0:
        for i in range(n):
            theta[i], last2[i] = alpha[0, i], 1.0
        return
    for i in range(n):
        w, gap = beta2[step - 1, i] * last2[i], theta[i] - alpha[step, i]
        root = math.sqrt(gap * gap + 4 * w)
        x[i] = theta[i] + (0.5 * (root - gap) if gap < 0 else 2 * w / (root + gap))
    for _ in range(20):
        for i in range(n):
            d[i], slope[i] = alpha[0, i] - x[i], -1.0
        for j in range(1, step + 1):
            for i in range(n):
                inverse = 1 / d[i]
                ratio = beta2[j - 1, i] * inverse
                d[i] = alpha[j, i] - x[i] - ratio
                slope[i] = -1 + ratio * inverse * slope[i]
        error = 0.0
        for i in range(n):
            w, gap = beta2[step - 1, i] * last2[i], x[i] - alpha[step, i]
            if (
                x[i] - theta[i] < 1e-13 * x[i]
            ):  # the other poles are too far to matter, and d too close to one to evaluate
                slope[i] = -1 - gap * gap / w
            else:
                change = -d[i] / slope[i]
                error = max(error, change * change / ((x[i] - theta[i]) * x[i]))
                x[i] += change
        if error < 1e-15:
            break
    for i in range(n):
        theta[i], last2[i] = x[i], -1 / slope[i]
