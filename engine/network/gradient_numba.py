"""The training gradient as compiled loops over time, for float32 on a CPU.

`engine.network.unroll.loss_and_gradient` is the definition, and the form for all other arrays;
tests/network/test_gradient_numba.py tests the two to be equal to rounding. This form is faster because
- a step is stored sample by sample, z_t (batch, H + n): BLAS is fastest for the three products z W^T, delta W and
  z^T delta in this layout;
- element-wise operations are done in one pass, while the step is still in cache, and the loops allocate nothing.

A cell has this form if KERNELS of engine.network.steps_numba lists it; that module describes z, p, m and lam. Other
cells use the plain form.
"""

from functools import partial

import numpy as np
from numba import types

from engine.common import jit
from engine.network import steps_numba
from engine.network.steps_numba import KERNELS, STEP, ZERO, flushed, matrix, run, vector
from engine.network.unroll import Parameters, with_constant

runs = types.float32[:, :, :, ::1]
strided_matrix, strided_run, strided_runs = types.float32[:, :], types.float32[:, :, :], types.float32[:, :, :, :]
weights = types.NamedUniTuple(run, 2, Parameters)
function = types.FunctionType(STEP)

compiled = partial(jit.compiled, error_model="numpy", fastmath={"contract", "reassoc"}, uses=[steps_numba])


@compiled(types.void(function, vector, run, strided_run, run, runs, run))
def forward(step, options, W, u, z, p, m):
    """Fills z (T+1, batch, H + n) and the tapes p (T, part, batch, row), m (T+1, batch, H or 0), from u (T, n, batch).

    W (part, row, H + n). Before, m[0] is 0; or m is W_i u, and W has zeros where W_i was.
    """
    T, n, _ = u.shape
    H = z.shape[2] - n
    W_t = np.ascontiguousarray(W.transpose(0, 2, 1))
    z[0, :, :H] = ZERO
    for t in range(T):
        z[t, :, H:] = u[t].T
        for k in range(len(W_t)):
            np.dot(z[t], W_t[k], p[t, k])
        step(options, z[t], p[t], m[t : t + 2], z[t + 1])


@compiled(types.float32(vector, vector, matrix, vector, matrix))
def loss_and_error(W_o, y, x, dW_o, lam):
    """Mean over the batch of (y_hat - y)^2; its derivative by W_o in dW_o, by x = x_T in the first units of lam."""
    batch, units = len(y), len(W_o)
    loss = ZERO
    dW_o[:] = ZERO
    lam[:] = ZERO
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


@compiled(types.void(function, vector, strided_run, run, runs, run, matrix, run))
def backward(step_backward, options, W_x, z, p, m, lam, dW):
    """[BPTT] from lambda_T in lam (batch, state) to dL/dW (part, row, H + n); W_x (part, row, H) reads the state."""
    W_x = np.ascontiguousarray(W_x)
    through, entering = np.empty((len(lam), W_x.shape[2]), np.float32), np.empty_like(dW[0])
    dW[:] = ZERO
    for t in range(len(p) - 1, -1, -1):
        step_backward(options, z[t], p[t], m[t : t + 2], lam)
        for k in range(len(W_x)):
            np.dot(p[t, k], W_x[k], through)
            for b in range(through.shape[0]):
                for i in range(through.shape[1]):
                    lam[b, i] = flushed(lam[b, i] + through[b, i])
            np.dot(p[t, k].T, z[t], entering)
            dW_k = dW[k]
            dW_k += entering


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


@compiled(
    types.void(function, function, vector, types.boolean, weights, strided_runs, matrix, run, runs, run, matrix, vector,
               weights)
)  # fmt: skip
def ensemble(step, step_backward, options, inputs_in_m, parameters, u, y, z, p, m, lam, loss, gradient):
    """Computes one member after the other, so that a member does not depend on the others."""
    H = parameters.W_o.shape[2]
    for member in range(len(y)):
        W, W_o, u_m, dW = parameters.W[member].copy(), parameters.W_o[member, 0], u[:, member], gradient.W[member]
        if inputs_in_m:
            drive(W[:H, H:], u_m, m)
            W[:H, H:] = ZERO
        by_part = W.reshape(p.shape[1], p.shape[3], z.shape[2])
        forward(step, options, by_part, u_m, z, p, m)
        loss[member] = loss_and_error(W_o, y[member], z[-1], gradient.W_o[member, 0], lam)
        backward(step_backward, options, by_part[:, :, :H], z, p, m, lam, dW.reshape(by_part.shape))
        if inputs_in_m:
            drive_backward(m, u_m, dW[:H, H:])


class NumbaGradient:
    """`loss_and_gradient` of (parameters, u, y) by compiled loops; allocates its working memory once."""

    def __init__(self, cell, T, batch):
        rows, columns = cell.shape
        self.cell, self.kernels = cell, KERNELS[type(cell)]
        self.options = np.array(self.kernels.options(cell), np.float32)
        self.z = np.zeros((T + 1, batch, columns), np.float32)
        self.p = np.zeros((T, self.kernels.parts, batch, rows // self.kernels.parts), np.float32)
        self.m = np.zeros((T + 1, batch, cell.units * self.kernels.uses_m), np.float32)
        self.lam = np.zeros((batch, cell.state_size), np.float32)

    def __call__(self, parameters, u, y):
        of = self.kernels
        loss, gradient = np.empty(len(y), np.float32), Parameters(*map(np.empty_like, parameters))
        u, work = with_constant(self.cell, u), (self.z, self.p, self.m, self.lam)
        ensemble(of.step, of.step_backward, self.options, of.inputs_in_m, parameters, u, y, *work, loss, gradient)
        return loss, gradient


def has_kernel(cell):
    """Whether this cell has a compiled form."""
    return type(cell) in KERNELS
