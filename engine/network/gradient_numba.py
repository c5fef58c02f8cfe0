"""The training gradient as compiled loops over time, for float32 on a CPU.

`engine.network.unroll.loss_and_gradient` is the definition, and the form for all other arrays;
tests/network/test_gradient_numba.py tests the two to be equal to rounding. This form is faster because
- a step is stored sample by sample, z_t (batch, H + n): BLAS is fastest for the three products z W^T, delta W and
  z^T delta in this layout;
- element-wise operations are done in one pass, while the step is still in cache, and the loops allocate nothing.

A cell has this form if KERNELS of engine.network.steps_numba lists it; that module describes z, p, m and lam. Other
cells use the plain form.

The loss stands between the way forth and the way back, `forward` and `backward`, which know it only by what enters
lambda_t at the last steps. The squared error of one output is compiled too. Any other Loss is called with NumPy arrays,
once a member.
"""

from functools import partial

import numpy as np
from numba import types

from engine.common import jit, subnormals
from engine.network import steps_numba
from engine.network.steps_numba import KERNELS, STEP, ZERO, flushed, matrix, run, vector
from engine.network.unroll import SQUARED_ERROR, Parameters

runs = types.float32[:, :, :, ::1]
strided_matrix, strided_run, strided_runs = types.float32[:, :], types.float32[:, :, :], types.float32[:, :, :, :]
channels = types.intp
weights = types.NamedUniTuple(run, 2, Parameters)
function = types.FunctionType(STEP)

compiled = partial(jit.compiled, error_model="numpy", fastmath={"contract", "reassoc"}, uses=[steps_numba])


@compiled(types.void(strided_matrix, strided_run, run))
def drive(W_i, u, m):
    """m = W_i u, (T, batch, H)."""
    W_t = np.ascontiguousarray(W_i.T)
    for t in range(len(u)):
        np.dot(np.ascontiguousarray(u[t].T), W_t, m[t])


@compiled(types.void(run, strided_run, strided_matrix))
def drive_backward(m, u, dW_i):
    """dL/dW_i from dL/d(W_i u) in m."""
    entering, u_t = np.empty(dW_i.shape, np.float32), np.empty((u.shape[2], u.shape[1]), np.float32)
    dW_i[:] = ZERO
    for t in range(len(u)):
        u_t[:] = u[t].T
        np.dot(m[t].T, u_t, entering)
        dW_i += entering


@compiled(types.void(function, vector, channels, matrix, strided_run, run, runs, run))
def forward(step, options, in_m, W, u, z, p, m):
    """Fills z (T+1, batch, H + n) and the tapes p (T, part, batch, row), m (T+1, batch, H or 0), from u (T, n, batch).

    W (row, H + n) multiplies z in p, but for the first `in_m` channels of u: what the candidate reads of them is in m.
    """
    T, n, _ = u.shape
    H = z.shape[2] - n
    W_t = np.ascontiguousarray(W.reshape(p.shape[1], p.shape[3], z.shape[2]).transpose(0, 2, 1))
    if in_m:
        drive(W[:H, H : H + in_m], u[:, :in_m], m)
        W_t[0, H : H + in_m], W_t[1:, H + in_m :] = ZERO, ZERO
    z[0, :, :H] = ZERO
    for t in range(T):
        z[t, :, H:] = u[t].T
        for k in range(len(W_t)):
            np.dot(z[t], W_t[k], p[t, k])
        step(options, z[t], p[t], m[t : t + 2], z[t + 1])


@compiled(types.float32(vector, vector, matrix, vector, matrix))
def loss_and_error(W_o, y, x, dW_o, lam):
    """Mean over the batch of (y_hat - y)^2; its derivative by W_o in dW_o, by the units of x = x_T in lam."""
    batch, units = len(y), len(W_o)
    loss = ZERO
    dW_o[:] = ZERO
    for b in range(batch):
        error = -y[b]
        for i in range(units):
            error += W_o[i] * x[b, i]
        loss += error * error
        error *= np.float32(2 / batch)
        for i in range(units):
            dW_o[i] += error * x[b, i]
            lam[b, i] = error * W_o[i]
    return loss / np.float32(batch)


def loss_and_errors(loss, W_o, y, x, dW_o, entering):
    """As `loss_and_error`, for any Loss: x and `entering` (step, batch, H), y (step, row, batch), W_o (output, column).

    [NET.loss] Fills `entering` with W_o^T dL/dy_t at each step that the loss reads.
    """
    steps, batch, H = x.shape
    read = np.ones((steps * batch, W_o.shape[1]), x.dtype)  # the bias of the readout, if it has one, reads a 1
    read[:, :H] = x.reshape(-1, H)
    outputs = (W_o @ read.T).reshape(1, -1, steps, batch)
    costs, slopes = loss.costs_and_slopes(outputs.swapaxes(1, 2), y[None])
    error = slopes.swapaxes(1, 2).reshape(len(W_o), -1) / costs.size
    np.matmul(error, read, out=dW_o)
    np.matmul(error.T, W_o[:, :H], out=entering.reshape(-1, H))
    return costs.mean()


@compiled(types.void(matrix, matrix))
def add(part, lam):
    """Adds to the units of lam."""
    for b in range(part.shape[0]):
        for i in range(part.shape[1]):
            lam[b, i] = flushed(lam[b, i] + part[b, i])


@compiled(types.void(function, vector, channels, matrix, strided_run, run, runs, run, run, matrix, matrix))
def backward(step_backward, options, in_m, W, u, z, p, m, entering, lam, dW):
    """[BPTT] from what enters lambda_t at the last steps, `entering` (step, batch, H), to dL/dW (row, H + n)."""
    T, n, _ = u.shape
    H, first = z.shape[2] - n, T - len(entering)
    by_part = p.shape[1], p.shape[3], z.shape[2]
    W_x, dW_parts = np.ascontiguousarray(W.reshape(by_part)[:, :, :H]), dW.reshape(by_part)
    through, part = np.empty((len(lam), H), np.float32), np.empty_like(dW_parts[0])
    lam[:] = ZERO
    dW[:] = ZERO
    for t in range(T - 1, -1, -1):
        if t >= first:
            add(entering[t - first], lam)
        step_backward(options, z[t], p[t], m[t : t + 2], lam)
        for k in range(len(W_x)):
            np.dot(p[t, k], W_x[k], through)
            add(through, lam)
            np.dot(p[t, k].T, z[t], part)
            dW_k = dW_parts[k]
            dW_k += part
    if in_m:
        drive_backward(m, u[:, :in_m], dW[:H, H : H + in_m])
        dW[H:, H + in_m :] = ZERO  # a bias beside W_r x is one of the candidate


@compiled(
    types.void(function, function, vector, channels, weights, strided_runs, matrix, run, runs, run, run, matrix, vector,
               weights)
)  # fmt: skip
def ensemble(step, step_backward, options, in_m, parameters, u, y, z, p, m, entering, lam, loss, gradient):
    """All of it for the squared error of one output. One member after the other: none depends on the others."""
    for member in range(len(y)):
        W, W_o, u_m = parameters.W[member], parameters.W_o[member, 0], u[:, member]
        forward(step, options, in_m, W, u_m, z, p, m)
        loss[member] = loss_and_error(W_o, y[member], z[-1], gradient.W_o[member, 0], entering[0])
        backward(step_backward, options, in_m, W, u_m, z, p, m, entering, lam, gradient.W[member])


class NumbaGradient:
    """`loss_and_gradient` of (parameters, u, y) by compiled loops; allocates its working memory once."""

    def __init__(self, cell, T, batch, loss=SQUARED_ERROR):
        rows, columns = cell.shape
        self.cell, self.loss, self.kernels = cell, loss, KERNELS[type(cell)]
        self.options = np.array(self.kernels.options(cell), np.float32)
        self.in_m = (cell.inputs + cell.bias) * self.kernels.inputs_in_m
        self.z = np.zeros((T + 1, batch, columns), np.float32)
        self.p = np.zeros((T, self.kernels.parts, batch, rows // self.kernels.parts), np.float32)
        self.m = np.zeros((T + 1, batch, cell.units * self.kernels.uses_m), np.float32)
        self.entering = np.zeros((loss.steps, batch, cell.units), np.float32)
        self.lam = np.zeros((batch, cell.state_size), np.float32)

    def __call__(self, parameters, u, y):
        found = np.empty(len(y), np.float32), Parameters(*map(np.empty_like, parameters))
        u, one_number = with_constants(self.cell, u), parameters.W_o.shape[1:] == (1, self.cell.units)
        with subnormals.as_zeros():
            if self.loss == SQUARED_ERROR and one_number:
                self.squared_error(parameters, u, y.reshape(len(y), -1), *found)
            else:
                self.any_loss(parameters, u, y if y.ndim == 4 else y[:, None, None, :], *found)
        return found

    def squared_error(self, parameters, u, y, loss, gradient):
        of, tapes = self.kernels, (self.z, self.p, self.m)
        ensemble(
            of.step, of.step_backward, self.options, self.in_m, parameters, u, y, *tapes, self.entering, self.lam, loss,
            gradient,
        )  # fmt: skip

    def any_loss(self, parameters, u, y, loss, gradient):
        of, options, tapes = self.kernels, (self.options, self.in_m), (self.z, self.p, self.m)
        read = self.z[-self.loss.steps :, :, : self.cell.units]
        for member, (W, W_o) in enumerate(zip(*parameters, strict=True)):
            dW, dW_o = gradient.W[member], gradient.W_o[member]
            forward(of.step, *options, W, u[:, member], *tapes)
            loss[member] = loss_and_errors(self.loss, W_o, y[member], read, dW_o, self.entering)
            backward(of.step_backward, *options, W, u[:, member], *tapes, self.entering, self.lam, dW)


def with_constants(cell, u):
    """Inputs u (T, member, n, batch), and a channel that is always 1 for each column of W that holds biases."""
    T, members, n, batch = u.shape
    ones = np.ones((T, members, cell.shape[1] - cell.units - n, batch), u.dtype)
    return np.concatenate([u, ones], axis=2) if ones.size else u


def has_kernel(cell):
    """Whether this cell has a compiled form."""
    return type(cell) in KERNELS and cell.has_usual_functions
