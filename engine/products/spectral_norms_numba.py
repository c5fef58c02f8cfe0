"""The compiled form of engine.products.spectral_norms for NumPy arrays: the same blocks and iteration, in cache.

A block is cut into tiles. A matrix is applied to all pairs of its tile at once, and a pair leaves as soon as its norm
is proven. If that would take too long, the product C = R_t L_k is formed and the iteration uses C^T C. Products of at
most FORMED factors, whose spectra are flat, are always formed.
"""

import math
from collections import namedtuple

import numpy as np

from engine.common import jit
from engine.products import lanczos_numba, linalg_numba
from engine.products.lanczos_numba import (
    bound,
    largest_eigenvalue,
    make_alone,
    make_newton,
    raise_theta,
    update_ritz_values,
)
from engine.products.linalg_numba import (
    add,
    apply,
    copy,
    copy_row,
    inner,
    scale_to,
    set_identity,
    take_scale,
    transpose,
)

TILE = 8  # along t and along k: the matrices of a tile fit in a level-2 cache, 768 KB at H = 64
FORMED = 2
HOPE = 4  # steps before a pair is given up because its trace is too large

# By the place i of a product in its block: R_i or L_i (i, term, H, H), and for L the transposes; the blocks of R^T R or
# L L^T (term, term, i, H, H), their traces (i, term), and the square of that of F (i < TILE, H^2); logs of scales (i).
Factors = namedtuple("Factors", "matrix transposed gram trace square log_scale")
# Numbers of a pair (t, k) are at [k, t]. `slot` is its row among the packed live pairs of a t or a k. v[0] and v[1]
# alternate between the vector of a step and the one before. Shapes: see `make_work`.
Work = namedtuple(
    "Work",
    "v after_L after_R rows gathered part formed alpha beta2 theta rho squares largest shared live slot newton alone",
)

USES = [lanczos_numba, linalg_numba]
compiled = jit.compiled(fastmath={"reassoc", "contract", "nsz"}, error_model="numpy", uses=USES)


@compiled
def fill_log_norms(A, B, widths, start, rule, log_norms):
    """Fills log_norms (term, sample, t, k), k < t counted from 0, from A and B (T, sample, H, H); NaN: not proven.

    Term 0: the products of A. Term 1, if there is one: those with their first-order term in B. `widths` of the blocks;
    `start` (1, H) has unit norm; `rule` is engine.products.lanczos.RULE.
    """
    terms, T, samples, H = len(log_norms), *A.shape[:3]
    factors, log_scale, part = np.empty((T, terms, H, H)), np.empty(T), np.empty((H, H))
    R, L = make_factors(TILE, terms, H), make_factors(max(TILE, widths[-1]), terms, H)
    work = make_work(terms, rule.steps, H)
    for sample in range(samples):
        for t in range(T):
            copy(A[t, sample], factors[t, 0])
            if terms == 2:
                copy(B[t, sample], factors[t, 1])
            log_scale[t] = take_scale(factors[t])
        fill_sample((factors, log_scale, part, R, L, work), widths, start, rule, log_norms[:, sample])


@compiled
def fill_sample(memory, widths, start, rule, log_norms):
    """Fills log_norms (term, t, k) of one sample; `memory` begins with its factors and their scales."""
    factors, log_scale, part, R, L, work = jit.without_refcount(memory)
    start, log_norms, T = jit.without_refcount(start), jit.without_refcount(log_norms), len(factors)
    for width in widths:
        for middle in range(width, T, 2 * width):
            fill_L(L, factors, log_scale, middle, width, part)
            for t in range(middle, min(middle + width, T), TILE):
                rows = min(TILE, middle + width - t, T - t)
                fill_R(R, factors, log_scale, middle, t, rows, width, part)
                for term in range(len(log_norms)):
                    fill_tiles(R, L, term, t, rows, middle, width, start, rule, log_norms[term], work)


@compiled
def make_factors(count, terms, H):
    matrices, gram = (count, terms, H, H), (terms, terms, count, H, H)
    return Factors(
        np.empty(matrices), np.empty(matrices), np.empty(gram), np.empty((count, terms)), np.empty((TILE, H * H)),
        np.empty(count),
    )  # fmt: skip


@compiled
def make_work(terms, steps, H):
    pairs, vectors = (TILE, TILE), (terms, TILE, TILE, H)
    return Work(
        np.empty((2, TILE, TILE, H)), np.empty(vectors), np.empty(vectors),
        np.empty((terms, TILE, H)), np.empty((TILE, H)), np.empty((TILE, H)), np.empty((3, H, H)),
        np.empty((TILE, steps, TILE)), np.empty((TILE, steps, TILE)),
        np.empty(pairs), np.empty(pairs), np.empty(pairs), np.empty(pairs), np.empty(pairs),
        np.empty(pairs, np.bool_), np.empty(pairs, np.int64), make_newton(TILE), make_alone(H),
    )  # fmt: skip


@compiled
def fill_L(L, factors, log_scale, middle, width, part):
    """L_i, i < width: F and F + N, or F alone, of the last i factors before `middle`; the first is the identity."""
    terms = factors.shape[1]
    for i in range(width):
        A, B, mine, before = factors[middle - i, 0], factors[middle - i, -1], L.matrix[i], L.matrix[i - 1]
        if i == 0:
            for term in range(terms):
                set_identity(mine[term])
            L.log_scale[i] = 0.0
        elif i == 1:
            copy(A, mine[0])
            if terms == 2:
                add(A, B, mine[1])
            L.log_scale[i] = log_scale[middle - i]
        else:
            for term in range(terms):
                np.dot(before[term], A, mine[term])
            if terms == 2:
                np.dot(before[0], B, part)
                add(part, mine[1], mine[1])
            L.log_scale[i] = L.log_scale[i - 1] + log_scale[middle - i] + take_scale(mine)
        if width > FORMED:
            for term in range(terms):
                transpose(mine[term], L.transposed[i, term])
            for a in range(terms):
                for b in range(a, terms):
                    np.dot(mine[a], L.transposed[i, b], L.gram[a, b, i])
            complete_gram(L, i, 0, i < TILE)


@compiled
def fill_R(R, factors, log_scale, middle, first, rows, width, part):
    """R_i, i < rows: N and F, or F alone, of the factors from `middle` to first + i; R holds the one before `first`."""
    terms = factors.shape[1]
    for i in range(rows):
        t, mine, before = first + i, R.matrix[i], R.matrix[i - 1]
        A, B = factors[t, 0], factors[t, -1]
        if t == middle:
            copy(B, mine[0])
            copy(A, mine[-1])
            R.log_scale[i] = log_scale[t]
        else:
            for term in range(terms):
                np.dot(A, before[term], mine[term])
            if terms == 2:
                np.dot(B, before[1], part)
                add(part, mine[0], mine[0])
            R.log_scale[i] = R.log_scale[i - 1] + log_scale[t] + take_scale(mine)
        if width > FORMED:
            for a in range(terms):
                for b in range(a, terms):
                    np.dot(mine[a].T, mine[b], R.gram[a, b, i])
            complete_gram(R, i, terms - 1, t - middle < TILE)


@compiled
def complete_gram(factors, i, of_F, squared):
    """Completes L L^T or R^T R of product i from its upper blocks: lower blocks, traces, square of the block of F."""
    terms, H = factors.matrix.shape[1], factors.matrix.shape[2]
    if terms == 2:
        transpose(factors.gram[0, 1, i], factors.gram[1, 0, i])
    for a in range(terms):
        factors.trace[i, a] = 0.0
        for h in range(H):
            factors.trace[i, a] += factors.gram[a, a, i, h, h]
    if squared:
        np.dot(factors.gram[of_F, of_F, i], factors.gram[of_F, of_F, i], factors.square[i].reshape(H, H))


@compiled
def fill_tiles(R, L, term, t, rows, middle, width, start, rule, log_norms, work):
    """Fills log_norms[t + i, k], i < rows, all k of a block: F_R F_L for term 0, N_R F_L + F_R (F_L + N_L) for 1."""
    for first in range(0, width, TILE):
        columns = min(TILE, width - first)
        work.largest[...] = np.nan
        if width > FORMED:
            near = t - middle + first  # factors of the shortest product of the tile, less one
            live = begin(R, L, term, near, first, rows, columns, start, rule, work)
            for step in range(rule.steps):
                if live == 0:
                    break
                for i in range(rows):
                    through_R(R, term, i, columns, step, work)
                for k in range(columns):
                    live -= through_L(L, term, first, k, rows, step, start, rule, work)
        for i in range(rows):
            for k in range(columns):
                log = R.log_scale[i] + L.log_scale[first + k]
                if log > -np.inf:
                    largest = work.largest[k, i]
                    if math.isnan(largest):
                        largest = largest_of_formed(R, L, term, i, first + k, start, rule, work)
                    log += 0.5 * math.log(largest)
                log_norms[t + i, middle - 1 - first - k] = log


@compiled
def begin(R, L, term, near, first, rows, columns, start, rule, work):
    """Sets v = start, y = L_k v and bounds for the pairs of a tile; returns how many of them are iterated.

    With C^T C = L^T G L and K = L L^T, the trace of C^T C is <G, K>, and the sum of its squared eigenvalues is at most
    ||G K||_F^2 = <G^2, K^2>, a sharper bound for many large eigenvalues, as short products have.
    """
    terms, last, H = term + 1, R.matrix.shape[1] - 1 - term, start.shape[1]
    work.rho[...], work.squares[...] = 0.0, np.inf
    if near == 0 and term == 0:
        np.dot(L.square, R.square.T, work.squares)
    for a in range(terms):
        for b in range(a, terms):
            its_K = L.gram[a, b, first : first + TILE].reshape(TILE, H * H)
            np.dot(its_K, R.gram[last + a, last + b].reshape(TILE, H * H).T, work.shared)
            for k in range(columns):
                for i in range(rows):
                    work.rho[k, i] += (1 if a == b else 2) * work.shared[k, i]
    live = 0
    for k in range(columns):
        for i in range(rows):
            traces = R.trace[i, last] * L.trace[first + k, 0]
            if term:
                traces = (R.trace[i, 0] + R.trace[i, 1]) * (L.trace[first + k, 0] + L.trace[first + k, 1])
            work.live[i, k] = near + i + k >= FORMED and traces < rule.reach * work.rho[k, i]
            work.slot[i, k] = i
            live += work.live[i, k]
            copy_row(start[0], work.v[0, k, i])
            work.v[1, k, i] = 0.0
        for a in range(terms):
            np.dot(start, L.transposed[first + k, a], work.rows[0, :1])
            for i in range(rows):
                copy_row(work.rows[0, 0], work.after_L[a, k, i])
    return live


@compiled
def through_R(R, term, i, columns, step, work):
    """y -> u = R_t^T R_t y for the live pairs of one t, packed anew, and alpha = y u."""
    terms, last, live, slot = term + 1, R.matrix.shape[1] - 1 - term, work.live, work.slot
    n = 0
    for k in range(columns):
        work.alpha[k, step, i] = 0.0  # also if nothing is live: Newton's method reads all pairs of a k
        if live[i, k]:
            for a in range(terms):
                copy_row(work.after_L[a, k, slot[i, k]], work.rows[a, n])
            slot[i, k] = n
            n += 1
    if n == 0:
        return
    for b in range(terms):
        u = work.after_R[b, i, :n]
        np.dot(work.rows[0, :n], R.gram[last, last + b, i], u)
        for a in range(1, terms):
            np.dot(work.rows[a, :n], R.gram[last + a, last + b, i], work.part[:n])
            add(work.part[:n], u, u)
        for k in range(columns):
            if live[i, k]:
                work.alpha[k, step, i] += inner(work.rows[b, slot[i, k]], u[slot[i, k]])


@compiled
def through_L(L, term, first, k, rows, step, start, rule, work):
    """u -> w = L_k^T u for the live pairs of one k, and from it the next y = L_k v. Returns how many leave."""
    terms, H = term + 1, start.shape[1]
    live, slot, w, alpha, beta2 = work.live, work.slot, work.gathered, work.alpha[k], work.beta2[k]
    v, before = work.v[step % 2, k], work.v[(step + 1) % 2, k]
    theta, rho, squares, newton = work.theta[k], work.rho[k], work.squares[k], work.newton
    n = 0
    for i in range(rows):
        if live[i, k]:
            for a in range(terms):
                copy_row(work.after_R[a, i, slot[i, k]], work.rows[a, n])
            n += 1
    if n == 0:
        return 0
    for a in range(terms):
        apply(work.rows[a, :n], L.matrix[first + k, a], first + k == 0, work.part[:n] if a else w[:n])
        if a:
            add(work.part[:n], w[:n], w[:n])
    n = 0
    for i in range(rows):
        beta2[step, i] = 0.0
        if live[i, k]:
            beta = math.sqrt(beta2[step - 1, i]) if step else 0.0
            for h in range(H):
                w[n, h] -= alpha[step, i] * v[i, h] + beta * before[i, h]
            beta2[step, i] = inner(w[n], w[n])
            slot[i, k] = n
            n += 1
    raise_theta(rows, alpha, beta2, step, theta)
    update_ritz_values(rows, alpha, beta2, step, theta, rule, newton)
    remaining = 0
    for i in range(rows):
        if live[i, k]:
            x, a, used = newton.x[i], alpha[step, i], alpha[step, i] ** 2 + 2 * beta2[step, i]
            rho[i] -= a
            squares[i] -= used
            if not newton.moves[i] and bound(rho[i], squares[i]) + beta2[step, i] / newton.d[i] < x:
                work.largest[k, i] = theta[i]
                live[i, k] = False
                continue
            mine, to_come = w[slot[i, k]], rule.steps - step
            lost = inner(start[0], mine) ** 2 >= rule.orthogonal**2 * beta2[step, i]
            if lost or (step >= HOPE and bound(rho[i] - to_come * a, squares[i] - to_come * used) > x):
                live[i, k] = False
                continue
            scale_to(mine, 1 / math.sqrt(beta2[step, i]), before[i])
            copy_row(before[i], w[remaining])
            slot[i, k] = remaining
            remaining += 1
    if remaining:
        for a in range(terms):
            apply(w[:remaining], L.transposed[first + k, a], first + k == 0, work.after_L[a, k, :remaining])
    return n - remaining


@compiled
def largest_of_formed(R, L, term, i, k, start, rule, work):
    """The largest eigenvalue of C^T C for one pair, C = R_t L_k; NaN if it does not converge or is not proven."""
    terms, last = term + 1, R.matrix.shape[1] - 1 - term
    C, M, part = work.formed[0], work.formed[1], work.formed[2]
    for a in range(terms):
        apply(R.matrix[i, last + a], L.matrix[k, a], k == 0, part if a else C)
        if a:
            add(part, C, C)
    np.dot(C.T, C, M)
    return largest_eigenvalue(M, start[0], rule, work.alone)
