"""Chooses the fastest form of the training gradient for a cell and its arrays."""

from functools import partial

import numpy as np

from engine.common import cuda
from engine.network import gradient_cuda, gradient_numba
from engine.network.unroll import loss_and_gradient


def gradient_function(cell, parameters, T, batch):
    """`loss_and_gradient` as a function of (parameters, u, y): compiled by Numba, a CUDA kernel, or the plain form."""
    W, W_o = parameters
    # The fast forms have no b_h of a GRU, and no bias of the readout.
    if cell.shape[1] != cell.units + cell.inputs + cell.bias or W_o.shape[2] != cell.units:
        return partial(loss_and_gradient, cell)
    if isinstance(W, np.ndarray) and W.dtype == np.float32 and gradient_numba.has_kernel(cell):
        return gradient_numba.NumbaGradient(cell, T, batch)
    if cuda.on_gpu(W) and W.dtype == np.float32 and gradient_cuda.has_kernel(cell, batch):
        return gradient_cuda.CudaGradient(cell, parameters, T, batch)
    return partial(loss_and_gradient, cell)
