"""Decompositions of stacks of matrices, on arrays of any library.

NumPy and libraries that follow the array API decompose stacks. CuPy decomposes matrices of more than 32 rows one by
one. So on a GPU, square matrices that fit use the kernels of engine.products.linalg_cuda, others the cores of the host.
"""

import os
from concurrent.futures import ThreadPoolExecutor

import numpy as np
from scipy.linalg.lapack import dgejsv, dgeqrf, dorgqr

from engine.common.backend import identity, like, namespace, to_host
from engine.products import linalg_cuda
from engine.products.scaled import scaled

BLOCK = 64  # columns that LAPACK takes together, at most


def singular_values(x):
    """Singular values of the matrices in the last two axes, in falling order."""
    if linalg_cuda.has_kernel(x):
        values, exponent = scaled(x)
        return linalg_cuda.singular_values(values) * 2.0 ** exponent[..., 0]
    return decomposed("svdvals", x)


def left_singular_vectors(x):
    """Left singular vectors, the columns of U (..., H, H), and singular values (..., H), of x (..., H, H).

    On a GPU the vector of a singular value 0 is 0.
    """
    xp = namespace(x)
    if linalg_cuda.has_kernel(x):
        values, exponent = scaled(xp.matrix_transpose(x))
        s, U_T = linalg_cuda.singular_values(values, vectors=True)
        return xp.matrix_transpose(U_T), s * 2.0 ** exponent[..., 0]
    return decomposed("svd", x)[:2]


def spectral_norm(M):
    """||M||_2 over the last two axes."""
    xp = namespace(M)
    if linalg_cuda.has_kernel(M):
        return singular_values(M)[..., 0]
    # The largest eigenvalue of the Gram matrix is accurate to rounding, and faster than singular values.
    largest = symmetric_eigenvalues(xp.matrix_transpose(M) @ M)[..., -1]
    return xp.sqrt(xp.clip(largest, 0, None))


def symmetric_eigenvalues(x):
    """Eigenvalues of the symmetric matrices in the last two axes, in rising order."""
    return decomposed("eigvalsh", x)


def qr(x):
    """Q and R (..., H, H) of x (..., H, H)."""
    return linalg_cuda.qr(x) if linalg_cuda.has_kernel(x) else decomposed("qr", x)


def orthonormal(x):
    """Q (..., H, k) of x = Q R (..., H, k), and the diagonal (..., k) of R."""
    if isinstance(x, np.ndarray) and x.dtype == np.float64:
        return orthonormal_on_host(x)
    Q, R = qr(x)
    return Q, namespace(x).sum(R * identity(R, R.shape[-1]), axis=-1)


def orthonormal_on_host(x):
    """`orthonormal` by LAPACK, without the copies of numpy.linalg.qr, which take a third of its time."""
    Q, diagonal = np.empty_like(x), np.empty((*x.shape[:-2], x.shape[-1]))
    workspace = BLOCK * x.shape[-1]
    for place in np.ndindex(x.shape[:-2]):
        reflectors, tau, *_ = dgeqrf(x[place], lwork=workspace)
        diagonal[place] = np.diagonal(reflectors)
        Q[place], *_ = dorgqr(reflectors, tau, lwork=workspace, overwrite_a=True)
    return Q, diagonal


def row_scaled_singular_values(x):
    """Singular values (chain, H) of x (chain, H, H) to high relative accuracy, and a condition number (chain,).

    One-sided Jacobi rotations: the relative error of each value is rounding times the condition number of x with its
    nonzero rows scaled to unit norm, whatever the scale of the rows. The second result estimates this condition number.
    """
    xp = namespace(x)
    if not linalg_cuda.has_kernel(x):
        found = [jacobi_on_host(matrix) for matrix in to_host(x)]
        return tuple(like(x, np.stack(part)) for part in zip(*found, strict=True))
    peak = xp.max(xp.abs(x), axis=-1, keepdims=True)
    unit = x / xp.where(peak > 0, peak, 1)
    norm = xp.sqrt(xp.sum(unit * unit, axis=-1, keepdims=True))
    scaled_values = linalg_cuda.singular_values(unit / xp.where(peak > 0, norm, 1))
    rows = xp.sum(xp.astype(peak > 0, xp.int64), axis=-2)
    smallest = xp.take_along_axis(scaled_values, xp.clip(rows - 1, 0, None), axis=-1)[..., 0]
    found = linalg_cuda.singular_values(x)
    return xp.where(found > linalg_cuda.SMALLEST, found, xp.nan), 1 / xp.where(smallest > 0, smallest, xp.nan)


def jacobi_on_host(x):
    """`row_scaled_singular_values` of one NumPy matrix, by LAPACK."""
    rows, s = x[x.any(axis=-1)], np.zeros(len(x))
    if not len(rows):
        return s, 1.0
    # "E": rows of any scale, with an estimate of the condition number that remains; no singular vectors.
    found, _, _, work, _, info = dgejsv(np.asfortranarray(rows.T), joba=1, jobu=3, jobv=3, jobr=0, jobt=0, jobp=0)
    s[: len(rows)] = found * (work[0] / work[1]) if info == 0 else np.nan
    return s, work[2] if work[2] > 0 else np.inf  # -1: no estimate


def decomposed(name, x):
    """linalg.`name` of the array's library for the matrices in the last two axes; for CuPy by NumPy on the host."""
    xp = namespace(x)
    if hasattr(xp.linalg, "svdvals"):
        return getattr(xp.linalg, name)(x)
    flat = to_host(x).reshape(-1, *x.shape[-2:])
    with ThreadPoolExecutor() as pool:
        parts = list(pool.map(getattr(np.linalg, name), np.array_split(flat, os.cpu_count())))

    def whole(arrays):
        return like(x, np.concatenate(arrays).reshape(*x.shape[:-2], *arrays[0].shape[1:]))

    return tuple(map(whole, zip(*parts, strict=True))) if isinstance(parts[0], tuple) else whole(parts)
