"""Chooses the fastest form of the training gradient for a cell and its arrays."""

import logging
from functools import cache, partial

import numpy as np

from engine.common import cuda
from engine.network import gradient_cuda, gradient_numba
from engine.network.unroll import SQUARED_ERROR, loss_and_gradient

log = logging.getLogger(__name__)


def gradient_function(cell, parameters, T, batch, loss=SQUARED_ERROR):
    """`loss_and_gradient` as a function of (parameters, u, y): compiled by Numba, a CUDA kernel, or the plain form."""
    W, W_o = parameters
    if loss != SQUARED_ERROR or W_o.shape[1:] != (1, cell.units):
        tell_plain(loss, W_o.shape[1], W_o.shape[2] != cell.units)
        return partial(loss_and_gradient, cell, loss=loss)
    # The fast forms have no b_h of a GRU.
    if not cell.has_usual_functions or cell.shape[1] != cell.units + cell.inputs + cell.bias:
        return partial(loss_and_gradient, cell)
    if isinstance(W, np.ndarray) and W.dtype == np.float32 and gradient_numba.has_kernel(cell):
        return gradient_numba.NumbaGradient(cell, T, batch)
    if cuda.on_gpu(W) and W.dtype == np.float32 and gradient_cuda.has_kernel(cell, batch):
        return gradient_cuda.CudaGradient(cell, parameters, T, batch)
    return partial(loss_and_gradient, cell)


@cache  # once a job, which has many passes
def tell_plain(loss, outputs, bias):
    """Logs why a training is not compiled."""
    what = f"{outputs} output{'s' * (outputs > 1)}{' with biases' * bias}"
    log.info("the %s for %s has no compiled gradient: it is computed step by step, which is slower", loss, what)
