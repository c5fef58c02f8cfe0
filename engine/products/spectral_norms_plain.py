"""The blocks and the iteration of engine.products.spectral_norms on arrays of any library, also on a GPU."""

import numpy as np

from engine.common.backend import identity, like, namespace, to_host, zeros
from engine.products import lanczos, lanczos_cuda
from engine.products.lanczos import RULE, begin, cut, goes_on
from engine.products.scaled import EXPONENT_OF_ZERO, LOG_2, Scaled, scaled, shifted, times

STEPS_BETWEEN_CHECKS = 4


def enlarged(A, B=None):
    """A itself, or [[A, B], [0, A]]."""
    if B is None:
        return A
    xp = namespace(A)
    return xp.concat([xp.concat([A, B], axis=-1), xp.concat([xp.zeros_like(A), A], axis=-1)], axis=-2)


def block_log_norms(J, start):
    """log norms (pair, member, sample) of the products of J (T, member, sample, D, D), and t and k of each pair, NumPy.

    D = H for F, D = 2H for F + N with `enlarged` factors; `start` (H). NaN if the iteration proves no norm.
    """
    xp = namespace(J)

    def log_norms(R, L):
        exponent = R.exponent[:, None, ..., 0, 0] + L.exponent[None, ..., 0, 0]
        log = xp.log(largest_eigenvalues(R.values, L.values, start)) / 2 + exponent * LOG_2
        return xp.where(exponent < EXPONENT_OF_ZERO / 2, -float("inf"), log)

    return by_blocks(J, start.shape[-1], log_norms)


def by_blocks(J, H, of_products):
    """What `of_products` finds (i, j, m, ...) of all R_i L_j of `block_factors`, as (pair, ...), and t and k, NumPy."""
    xp = namespace(J)
    T = J.shape[0]
    found, times_t, times_k = [], [], []
    for width in block_widths(T).tolist():
        middles = np.arange(width, T, 2 * width)
        values = of_products(*block_factors(J, middles, width, H))
        i, j, middle = np.meshgrid(np.arange(values.shape[0]), np.arange(width), middles, indexing="ij")
        inside = np.flatnonzero(middle + i < T)
        values = xp.reshape(values, (-1, *values.shape[3:]))
        found.append(xp.take(values, like(J, inside), axis=0))
        times_t.append((middle + i + 1).ravel()[inside])
        times_k.append((middle - j).ravel()[inside])
    return xp.concat(found), np.concatenate(times_t), np.concatenate(times_k)


def block_widths(T):
    """Widths 1, 2, 4, ... below T of the blocks."""
    return 2 ** np.arange((T - 1).bit_length())


def block_factors(J, middles, width, H):
    """R_i over J_{m+1} ... J_{m+1+i} and L_j over the j factors up to J_m, for all m: (i or j, m, member, sample, ...).

    H rows of each R and H columns of each L. Beyond the end of J the factors are 1.
    """
    xp = namespace(J)
    T, D = J.shape[0], J.shape[-1]
    rows = min(width, T - width)
    one = xp.broadcast_to(identity(J, D), J.shape[1:])
    factor = [xp.stack([J[m + i, ...] if m + i < T else one for m in middles.tolist()]) for i in range(1 - width, rows)]
    R, L = [scaled(factor[width - 1])], [scaled(xp.broadcast_to(one, factor[0].shape))]
    for i in range(1, rows):
        R.append(times(factor[width - 1 + i], R[-1]))
    for j in range(1, width):
        L.append(shifted(L[-1].values @ factor[width - 1 - j], L[-1].exponent))
    R, L = (Scaled(*(xp.stack(list(part)) for part in zip(*X, strict=True))) for X in (R, L))
    L_values = L.values if D == H else L.values[..., :H] + L.values[..., H:]
    return Scaled(R.values[..., :H, :], R.exponent), Scaled(L_values, L.exponent)


def largest_eigenvalues(R, L, start):
    """Largest eigenvalue of C^T C with C = R_t L_k, (t, k, ...), from R (t, ..., H, D) and L (k, ..., D, H).

    By engine.products.lanczos from `start` (H); NaN if that proves none.
    """
    xp = namespace(R)
    L_T, G = xp.matrix_transpose(L), xp.matrix_transpose(R) @ R
    iteration = begin(start, product_traces(G, L @ L_T))
    advance = (lanczos_cuda if lanczos_cuda.has_kernel(R) else lanczos).advance
    found = zeros(R, *iteration.found.shape) + xp.nan
    for step in range(RULE.steps):
        # A matrix L_k serves all t at once, and then a G_t all k: (k, ..., t, D) becomes (t, ..., k, D) in between.
        y = swapped(iteration.v @ L_T)
        u = y @ G
        alpha = swapped(xp.sum(y * u, axis=-1, keepdims=True))[..., 0]
        advance(iteration, step, alpha, swapped(u) @ L)
        if (step + 1) % STEPS_BETWEEN_CHECKS == 0:
            k, t = iteration.found.shape[0], iteration.found.shape[-1]
            found[:k, ..., :t] = iteration.found
            left = to_host(goes_on(iteration))
            if not left.any():
                break
            # Short products, the first k and t of a block, take most steps: only these go on.
            k, t = (1 + int(np.max(np.nonzero(left)[axis])) for axis in (0, -1))
            L, L_T, G = L[:k, ...], L_T[:k, ...], G[:t, ...]
            iteration = cut(iteration, k, t)
    return xp.permute_dims(found, (found.ndim - 1, *range(found.ndim - 1)))


def product_traces(G, K):
    """tr G_t K_k (k, ..., t) of symmetric G (t, ..., D, D), K (k, ..., D, D); infinite if rounding may spoil it."""
    xp, D = namespace(G), G.shape[-1]
    K, G = (xp.moveaxis(xp.reshape(X, (*X.shape[:-2], D * D)), 0, -2) for X in (K, G))
    traces = K @ xp.matrix_transpose(G)
    of_K, of_G = (xp.sum(X[..., :: D + 1], axis=-1) for X in (K, G))
    sound = of_K[..., :, None] * of_G[..., None, :] < RULE.reach * traces
    return xp.moveaxis(xp.where(sound, traces, float("inf")), -2, 0)


def swapped(X):
    """X (k, ..., t, D) as (t, ..., k, D), and back."""
    axes = list(range(X.ndim))
    axes[0], axes[-2] = axes[-2], axes[0]
    return namespace(X).permute_dims(X, axes)
