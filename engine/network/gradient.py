"""The training gradient in the fastest form that there is for a cell and its arrays."""

from functools import partial

import numpy as np

from engine.common import cuda
from engine.network import gradient_cuda, gradient_numba
from engine.network.unroll import loss_and_gradient


def gradient_function(cell, parameters, T, batch):
    """(parameters, u, y) -> (loss, gradient), as `loss_and_gradient`: compiled, a CUDA kernel, or that one itself."""
    W, W_o = parameters
    # They have no place for b_h of a GRU, nor for a bias of the readout.
    if cell.shape[1] != cell.units + cell.inputs + cell.bias or W_o.shape[2] != cell.units:
        return partial(loss_and_gradient, cell)
    if isinstance(W, np.ndarray) and W.dtype == np.float32 and gradient_numba.has_kernel(cell):
        return gradient_numba.FusedGradient(cell, T, batch)
    if cuda.on_gpu(W) and W.dtype == np.float32 and gradient_cuda.has_kernel(cell, batch):
        return gradient_cuda.CudaGradient(cell, parameters, T, batch)
    return partial(loss_and_gradient, cell)
