"""Chooses the fastest form of the gradients of single samples."""

from engine.network import samples_numba, unroll
from engine.network.unroll import SQUARED_ERROR


def per_sample_gradients(cell, parameters, u, y, loss=SQUARED_ERROR, **start):
    """As that of engine.network.unroll, compiled by Numba where there is such a form."""
    if not start and samples_numba.has_kernel(cell, parameters.W, loss):
        return samples_numba.per_sample_gradients(cell, parameters, u, y, loss)
    return unroll.per_sample_gradients(cell, parameters, u, y, loss, **start)
