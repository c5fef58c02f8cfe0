"""Singular values and QR factors of many small matrices by CUDA: a block of threads holds a matrix in shared memory.

- `singular_values`: one-sided Jacobi. Pairs of rows are rotated until all are orthogonal; they are then s_i v_i^T.
  Singular values of a matrix whose rows differ in scale alone keep their relative accuracy, however small they are
  (Demmel and Veselic 1992).
- `qr`: Householder reflections, as LAPACK's geqr2 and org2r.

engine.products.linalg chooses the arrays that use these kernels.
"""

import numpy as np

from engine.common import cuda
from engine.common.backend import namespace

SWEEPS = 40  # about ten suffice
# Squares of smaller norms underflow: rows with a smaller norm are treated as orthogonal, and their values are unusable.
SMALLEST = 1e-140

JACOBI = cuda.read_source(__file__, "linalg_jacobi.cu")

HOUSEHOLDER = cuda.read_source(__file__, "linalg_householder.cu")


def threads_of_a_block(N):
    """Threads of a block: LANES for every pair of rows, rounded up to whole warps."""
    return -(-((N + 1) // 2) * cuda.LANES // 32) * 32


def shared_bytes(N):
    """Shared memory of a block: padded rows, and two numbers a row."""
    return 8 * (N + 1) * (-(-N // 16) * 16 + 8 + 2)


def has_kernel(x):
    """Whether the kernels support these matrices on the current device."""
    if not cuda.on_gpu(x) or x.dtype != np.float64 or x.shape[-2] != x.shape[-1]:
        return False
    N = x.shape[-1]
    return threads_of_a_block(N) <= 1024 and shared_bytes(N) <= cuda.most_shared_bytes()


def launch(name, source, x, *results, **options):
    """Runs the kernel `name` on x (..., N, N), a block a matrix, and returns the `results`, which it fills."""
    N = x.shape[-1]
    threads = threads_of_a_block(N)
    kernel = cuda.compiled(name, cuda.definitions(N=N, THREADS=threads, **options) + source, shared_bytes(N))
    kernel((x.size // N**2,), (threads,), (namespace(x).ascontiguousarray(x), *results), shared_mem=shared_bytes(N))
    return results


def singular_values(x, vectors=False):
    """Singular values (..., N) in falling order of x (..., N, N) and, if asked for, V^T (..., N, N).

    NaN for a matrix that is not finite; the vector of a value 0 is 0. The largest |entry| should be near 1: squares of
    very large or small values overflow or underflow.
    """
    xp = namespace(x)
    s = xp.full(x.shape[:-1], xp.nan)
    V = xp.full(x.shape, xp.nan) if vectors else s
    launch("singular_values", JACOBI, x, s, V, VECTORS=int(vectors), SWEEPS=SWEEPS, SMALLEST=SMALLEST)
    return (s, V) if vectors else s


def qr(x):
    """Q and R (..., N, N) of x (..., N, N)."""
    xp = namespace(x)
    return launch("qr", HOUSEHOLDER, x, xp.empty(x.shape), xp.empty(x.shape))
