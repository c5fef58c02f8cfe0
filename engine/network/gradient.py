"""Chooses the fastest form of the training gradient for a cell and its arrays.

[BPTT] itself, the definition, is `loss_and_gradient` of engine.network.unroll.
"""

import logging
from functools import cache, partial

import numpy as np

from engine.common import cuda, subnormals
from engine.network import gradient_cuda, gradient_numba
from engine.network.unroll import SQUARED_ERROR, loss_and_gradient

log = logging.getLogger(__name__)


def gradient_function(cell, parameters, T, batch, loss=SQUARED_ERROR):
    """`loss_and_gradient` as a function of (parameters, u, y): compiled by Numba, a CUDA kernel, or the plain form."""
    W, W_o = parameters
    if isinstance(W, np.ndarray) and W.dtype == np.float32 and gradient_numba.has_kernel(cell):
        return gradient_numba.NumbaGradient(cell, T, batch, loss)
    one_number = loss == SQUARED_ERROR and W_o.shape[1:] == (1, cell.units)
    if one_number and cuda.on_gpu(W) and W.dtype == np.float32 and gradient_cuda.has_kernel(cell, batch):
        return gradient_cuda.CudaGradient(cell, parameters, T, batch)
    outputs = f"{W_o.shape[1]} output{'s' * (W_o.shape[1] > 1)}{' with biases' * (W_o.shape[2] != cell.units)}"
    tell(f"cell {cell.name} in {W.dtype}: the {loss} for {outputs} has no compiled gradient here")
    return subnormals.as_zeros()(partial(loss_and_gradient, cell, loss=loss))


@cache  # once a job, which has many passes
def tell(what):
    log.info("%s: it is computed step by step, which is slower", what)
