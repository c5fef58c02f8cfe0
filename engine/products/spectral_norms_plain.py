"""The blocks and the iteration of engine.products.spectral_norms on any arrays, a GPU's too."""

import numpy as np

from engine.common.backend import identity, in_rows, like, namespace, to_host, zeros
from engine.products import lanczos, lanczos_cuda
from engine.products.lanczos import begin, restrict
from engine.products.scaled import EXPONENT_OF_ZERO, Scaled, scaled, shifted, times

STEPS = 64
STEPS_BETWEEN_CHECKS = 4
# Where the square of a norm is smaller, of matrices with entries near 1, the residual underflows, or it is 0.
TINY = 1e-130


def enlarged(A, B=None):
    """A itself, or [[A, B], [0, A]]."""
    if B is None:
        return A
    xp = namespace(A)
    return xp.concat([xp.concat([A, B], axis=-1), xp.concat([xp.zeros_like(A), A], axis=-1)], axis=-2)


def block_log_norms(J, start, tolerance):
    """log norms (pair, member, sample) of the products of J (T, member, sample, D, D), and t and k of each pair, NumPy.

    D = H for F, D = 2H for F + N with `enlarged` factors. NaN where the iteration did not converge.
    """
    xp = namespace(J)
    T = J.shape[0]
    found, times_t, times_k = [], [], []
    for width in block_widths(T).tolist():
        middles = np.arange(width, T, 2 * width)
        R, L = block_factors(J, middles, width, start.shape[-1])
        exponent = R.exponent[:, None, ..., 0, 0] + L.exponent[None, ..., 0, 0]
        largest = largest_eigenvalues(R.values, L.values, start, tolerance)
        log_norms = xp.log(largest) / 2 + exponent * float(np.log(2))
        log_norms = xp.where(exponent < EXPONENT_OF_ZERO / 2, -float("inf"), log_norms)
        i, j, middle = np.meshgrid(np.arange(R.values.shape[0]), np.arange(width), middles, indexing="ij")
        inside = np.flatnonzero(middle + i < T)
        log_norms = xp.reshape(log_norms, (-1, *J.shape[1:3]))
        found.append(xp.take(log_norms, like(J, inside), axis=0))
        times_t.append((middle + i + 1).ravel()[inside])
        times_k.append((middle - j).ravel()[inside])
    return xp.concat(found), np.concatenate(times_t), np.concatenate(times_k)


def block_widths(T):
    """1, 2, 4, ... below T: a block of a width ends where the next one of twice the width has its middle."""
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


def largest_eigenvalues(R, L, start, tolerance):
    """Largest eigenvalue of C^T C with C = R_t L_k, (t, k, ...), from R (t, ..., H, D) and L (k, ..., D, H).

    Lanczos iteration from `start` (1, H) until the residual is below `tolerance` times the value. NaN for what has not
    converged after STEPS steps, or is so small that underflow may have spoilt it.
    """
    xp = namespace(R)
    R_T, L_T = (in_rows(xp.matrix_transpose(X)) for X in (R, L))
    iteration = begin(xp.broadcast_to(start, (L.shape[0], *R.shape[1:-2], R.shape[0], start.shape[-1])), STEPS)
    advance = (lanczos_cuda if lanczos_cuda.has_kernel(R) else lanczos).advance
    found = zeros(R, *iteration.found.shape) + xp.nan
    for step in range(STEPS):
        # A matrix L_k serves all t at once, and then an R_t all k: (k, ..., t, D) becomes (t, ..., k, D) in between.
        z = swapped(iteration.v @ L_T) @ R_T
        alpha = swapped(xp.sum(z * z, axis=-1, keepdims=True))[..., 0]
        advance(iteration, step, alpha, swapped(z @ R) @ L, tolerance)
        if (step + 1) % STEPS_BETWEEN_CHECKS == 0:
            k, t = iteration.found.shape[0], iteration.found.shape[-1]
            found[:k, ..., :t] = iteration.found
            missing = to_host(xp.isnan(iteration.found))
            if not missing.any():
                break
            # Short products, the first k and t of a block, take the longest: only what is left goes on.
            k, t = (1 + int(np.max(np.nonzero(missing)[axis])) for axis in (0, -1))
            L, L_T, R, R_T = L[:k, ...], L_T[:k, ...], R[:t, ...], R_T[:t, ...]
            iteration = restrict(iteration, k, t)
    found = xp.where(found > TINY, found, xp.nan)
    return xp.permute_dims(found, (found.ndim - 1, *range(found.ndim - 1)))


def swapped(X):
    """(k, ..., t, D) to (t, ..., k, D), and back."""
    axes = list(range(X.ndim))
    axes[0], axes[-2] = axes[-2], axes[0]
    return namespace(X).permute_dims(X, axes)
