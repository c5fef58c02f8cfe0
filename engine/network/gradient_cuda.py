"""The training gradient as one CUDA kernel for a whole sequence, for float32 on a GPU.

`engine.network.unroll.loss_and_gradient` is the definition. In its plain form an update is T times some twenty
launches, each of which takes longer to start than to run at H = 64. Here it is one: a block of threads holds the
weights of a member and a slice of its batch in shared memory, walks over t = 1..T and back, and keeps its part of dL/dW
in registers; only
what the way back needs goes to device memory. The parts of a member's slices are then summed, in a fixed order.

A cell has this form if it stands in GATES and its weights fit in shared memory; any other is trained by the plain form.
tests/network/test_gradient_cuda.py compiles the source for a CPU as well, and holds both forms equal to rounding there.
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
    """How many samples of a batch a block takes; None where the batch cannot be cut."""
    return next((B for B in SAMPLES if batch % B == 0), None)


def rows_of_weights(cell):
    """As the kernel has them: a GRU's candidate twice, see row_of_W."""
    return 4 * cell.units if type(cell) is GRU else cell.shape[0]


def rows_kept(cell):
    """Of p, for the way back."""
    return 5 * cell.units if type(cell) is LSTM else rows_of_weights(cell)


def threads_of_a_block(cell):
    """So many that none has more than some hundred numbers of dW in its registers."""
    return 128 if rows_of_weights(cell) * cell.shape[1] <= 128 * 80 else 256


def shared_bytes(cell, B, threads):
    """What a block holds in shared memory, see the kernel's first lines."""
    R, C = (-(-size // 4) * 4 for size in (rows_of_weights(cell), cell.shape[1]))
    adjoints = 3 * cell.units if type(cell) is LSTM else cell.units
    return 4 * (R * C + (C + R + adjoints) * (B + 4) + B + threads)


def has_kernel(cell, batch):
    """Whether the kernel is there for this cell and batch, and the device has room for it."""
    B = samples_of_a_block(batch)
    fits = type(cell) in GATES and cell.units % 4 == 0 and cell.units <= LARGEST and B
    return bool(fits) and shared_bytes(cell, B, threads_of_a_block(cell)) <= cuda.most_shared_bytes()


def definitions(cell, B, threads):
    """The kernel's sizes, ahead of its source."""
    inputs = cell.inputs + cell.bias
    return cuda.definitions(GATE=GATES[type(cell)], H=cell.units, N=inputs, B=B, THREADS=threads)


class CudaGradient:
    """Called with (parameters, u, y) it returns what `loss_and_gradient` does; its working memory is made once."""

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
