"""One step of engine.products.lanczos as a CUDA kernel: the same recurrence and Newton's method, LANES threads a pair.

`engine.products.lanczos.advance` is the definition, which takes about a hundred launches a step. The kernel makes one
pass over w, v and the v before.
"""

import numpy as np

from engine.common import cuda
from engine.common.backend import namespace
from engine.products.lanczos import RULE

THREADS = 128

SOURCE = cuda.read_source(__file__, "lanczos.cu")


def has_kernel(x):
    """Whether the kernel supports arrays like `x`."""
    return cuda.on_gpu(x) and x.dtype == np.float64


def definitions(H):
    """#define lines with the sizes and RULE."""
    return cuda.definitions(H=H, THREADS=THREADS, **{name.upper(): value for name, value in RULE._asdict().items()})


def advance(iteration, step, alpha, w):
    """As engine.products.lanczos.advance."""
    H, pairs = iteration.v.shape[-1], iteration.found.size
    kernel = cuda.compiled("advance", definitions(H) + SOURCE)
    iteration.alpha[step, ...] = alpha
    grid = -(-pairs * cuda.LANES // THREADS)
    arguments = (*iteration, namespace(w).ascontiguousarray(w), np.int32(step), np.int32(pairs))
    kernel((grid,), (THREADS,), arguments)
