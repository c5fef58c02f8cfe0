"""The training gradient as one CUDA kernel for a whole sequence, for float32 on a GPU.

`engine.network.unroll.loss_and_gradient` is the definition. In its plain form an update takes about 20 T
launches, and at H = 64 each takes longer to start than to run. Here one kernel does all: a block of threads holds the
weights of a member and a slice of its batch in shared memory, runs over t = 1..T and back, and keeps its part of dL/dW
in registers. Device memory holds only the tapes for the way back. The parts of all slices are then summed in a fixed
order.

A cell has this form if GATES lists it and its weights fit in shared memory; other cells use the plain form.
tests/network/test_gradient_cuda.py also compiles the source for a CPU and tests both forms to be equal to rounding.
"""

import numpy as np

from engine.cells import GRU, LSTM, Leaky, Multi, Plain, Scalar
from engine.common import cuda
from engine.common.backend import namespace
from engine.network.unroll import Parameters, with_constant

GATES = {Plain: 0, Leaky: 0, Scalar: 1, Multi: 2, GRU: 3, LSTM: 4}
SAMPLES = (16, 8, 4)  # of a batch in one block, the first that divides it
LARGEST = 128  # units, beyond which the gradient does not fit in registers

SOURCE = cuda.read_source(__file__, "gradient.cu")


def samples_of_a_block(batch):
    """Samples of a batch per block of threads; None if the batch is not a multiple of 4."""
    return next((B for B in SAMPLES if batch % B == 0), None)


def rows_of_weights(cell):
    """Rows of W in the kernel, which holds the candidate of a GRU twice, see row_of_W."""
    return 4 * cell.units if type(cell) is GRU else cell.shape[0]


def rows_kept(cell):
    """Rows of p, the tape."""
    return 5 * cell.units if type(cell) is LSTM else rows_of_weights(cell)


def threads_of_a_block(cell):
    """Threads of a block, so many that each has at most about a hundred numbers of dW in registers."""
    return 128 if rows_of_weights(cell) * cell.shape[1] <= 128 * 80 else 256


def shared_bytes(cell, B, threads):
    """Shared memory of a block, see the first lines of the kernel."""
    R, C = (-(-size // 4) * 4 for size in (rows_of_weights(cell), cell.shape[1]))
    adjoints = 3 * cell.units if type(cell) is LSTM else cell.units
    return 4 * (R * C + (C + R + adjoints) * (B + 4) + B + threads)


def has_kernel(cell, batch):
    """Whether the kernel supports this cell and batch on the current device. It has no b_h of a GRU."""
    B = samples_of_a_block(batch)
    if not cell.has_usual_functions or cell.shape[1] != cell.units + cell.inputs + cell.bias:
        return False
    fits = type(cell) in GATES and cell.units % 4 == 0 and cell.units <= LARGEST and B
    return bool(fits) and shared_bytes(cell, B, threads_of_a_block(cell)) <= cuda.most_shared_bytes()


def definitions(cell, B, threads):
    """#define lines with the kernel's sizes."""
    inputs = cell.inputs + cell.bias
    return cuda.definitions(GATE=GATES[type(cell)], H=cell.units, N=inputs, B=B, THREADS=threads)


class CudaGradient:
    """`loss_and_gradient` of (parameters, u, y) by the CUDA kernel; allocates its working memory once."""

    def __init__(self, cell, parameters, T, batch):
        xp, members = namespace(parameters.W), len(parameters.W)
        self.cell, self.T, self.batch, self.alpha = cell, T, batch, getattr(cell, "alpha", 0.0)
        self.B, self.threads = samples_of_a_block(batch), threads_of_a_block(cell)
        self.grid = slices, _ = batch // self.B, members
        self.shared_bytes = shared_bytes(cell, self.B, self.threads)
        self.kernel = cuda.compiled("gradient", definitions(cell, self.B, self.threads) + SOURCE, self.shared_bytes)
        self.z = xp.empty((T, members * slices, cell.shape[1], self.B), np.float32)
        self.p = xp.empty((T, members * slices, rows_kept(cell), self.B), np.float32)
        self.loss = xp.empty((slices, members), np.float32)
        self.dW = xp.empty((slices, *parameters.W.shape), np.float32)
        self.dW_o = xp.empty((slices, *parameters.W_o.shape), np.float32)

    def __call__(self, parameters, u, y):
        sizes = np.int32(self.T), np.int32(self.batch), np.float32(self.alpha)
        parts = self.loss, self.dW, self.dW_o
        arguments = (*parameters, with_constant(self.cell, u), y, *sizes, self.z, self.p, *parts)
        self.kernel(self.grid, (self.threads,), arguments, shared_mem=self.shared_bytes)
        xp = namespace(y)
        loss, dW, dW_o = (xp.sum(part, axis=0) for part in parts)
        return loss, Parameters(dW, dW_o)
