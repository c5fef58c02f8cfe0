"""The training gradient as compiled loops over time, for float32 on a CPU.

`engine.network.unroll.loss_and_gradient` is the definition, and what every other array gets;
tests/network/test_gradient_numba.py holds the two equal to rounding. This form is faster because
- a step lies sample by sample, z_t (batch, state + n): its three products z W^T, delta W and z^T delta then have the
  forms that BLAS is fastest in for matrices of this size;
- what is element by element is one pass over a step that is still in cache, and nothing is allocated in the loops.

A cell has this form if it stands in KERNELS; one that does not is trained by the plain form. Its two kernels see one
step of one member and leave the matrix products to the loops:
- step(options, z, p, x): from z_t and p = z W^T to x_t, with what the way back needs left in p;
- step_backward(options, z, p, lam): from that p and lambda_t to delta in p, where delta = dL/d(z W^T), and in lam to
  that part of lambda_{t-1} which does not pass through W.

Gates keep all their digits where they are saturated; the slope of a saturated candidate, 1 - phi^2, does not, as in
other libraries (docs/numerics.md, section 5).
"""

from collections.abc import Callable
from functools import partial
from typing import NamedTuple

import numpy as np
from numba import cfunc, types

from engine.cells import Leaky, Multi, Plain, Scalar
from engine.common import jit
from engine.network.unroll import Parameters

vector, matrix = types.float32[::1], types.float32[:, ::1]
run, strided_run, strided_runs = types.float32[:, :, ::1], types.float32[:, :, :], types.float32[:, :, :, :]
weights = types.NamedUniTuple(run, 2, Parameters)
STEP = types.void(vector, matrix, matrix, matrix)
function = types.FunctionType(STEP)

# Multiply-add may be one operation; sums over units may be taken in any order; NaN and infinity keep their meaning.
compiled = partial(jit.compiled, error_model="numpy", fastmath={"contract", "reassoc"})
kernel = partial(compiled, STEP, compiler=cfunc)

ZERO, HALF, ONE = np.float32(0), np.float32(0.5), np.float32(1)  # a literal 1 would make the expression float64

# tanh as a quotient of polynomials (the one of Eigen, which XLA uses as well): within 3e-7, never above 1, and without
# a branch or a table, so that it runs in vector registers amid other arithmetic.
LIMIT = np.float32(7.90531110763549805)
P1, P3, P5 = np.float32(4.89352455891786e-03), np.float32(6.37261928875436e-04), np.float32(1.48572235717979e-05)
P7, P9 = np.float32(5.12229709037114e-08), np.float32(-8.60467152213735e-11)
P11, P13 = np.float32(2.00018790482477e-13), np.float32(-2.76076847742355e-16)
Q0, Q2 = np.float32(4.89352518554385e-03), np.float32(2.26843463243900e-03)
Q4, Q6 = np.float32(1.18534705686654e-04), np.float32(1.19825839466702e-06)

# exp by powers of two: 2^f for |f| <= 1/2 to 3e-7, and a gate is at least 2^-100 open and 2^-100 shut.
PER_LOG_2, MOST, BIAS, MANTISSA = np.float32(1 / np.log(2)), np.float32(100), np.float32(127), np.float32(2**23)
E1, E2, E3 = np.float32(6.931471880e-01), np.float32(2.402234894e-01), np.float32(5.550357104e-02)
E4, E5 = np.float32(9.666373693e-03), np.float32(1.339086735e-03)

# A smaller adjoint has no digit left to give to a float32 gradient, but its products would fall below the smallest
# normal number, where a core is ten times slower.
NEGLIGIBLE = np.float32(2.0**-100)


@compiled()
def tanh(a):
    a = min(max(a, -LIMIT), LIMIT)
    s = a * a
    p = (((((P13 * s + P11) * s + P9) * s + P7) * s + P5) * s + P3) * s + P1
    return a * p / (((Q6 * s + Q4) * s + Q2) * s + Q0)


@compiled()
def odds(s):
    """exp(s) = g / (1 - g) for g = sigma(s): both shares come from it with all their digits, near 0 and near 1."""
    y = min(max(s * PER_LOG_2, -MOST), MOST)
    n = np.floor(y + HALF)
    f = y - n
    power = np.int32((n + BIAS) * MANTISSA).view(np.float32)  # 2^n, its exponent written as a whole number
    return power + power * (f * ((((E5 * f + E4) * f + E3) * f + E2) * f + E1))


@kernel()
def constant_gate(options, z, p, x):
    """[CELL.leaky]"""
    alpha, retained = options[0], ONE - options[0]
    for b in range(p.shape[0]):
        for i in range(p.shape[1]):
            p[b, i] = tanh(p[b, i])
            x[b, i] = retained * z[b, i] + alpha * p[b, i]


@kernel()
def constant_gate_backward(options, z, p, lam):
    alpha, retained = options[0], ONE - options[0]
    for b in range(p.shape[0]):
        for i in range(p.shape[1]):
            phi = p[b, i]
            p[b, i] = alpha * lam[b, i] * (ONE - phi * phi)
            lam[b, i] = retained * lam[b, i]


@kernel()
def shared_gate(options, z, p, x):
    """[CELL.scalar]"""
    H = p.shape[1] - 1
    for b in range(p.shape[0]):
        k = odds(p[b, H])
        p[b, H] = k
        retained = ONE / (ONE + k)
        g = k * retained
        for i in range(H):
            p[b, i] = tanh(p[b, i])
            x[b, i] = retained * z[b, i] + g * p[b, i]


@kernel()
def shared_gate_backward(options, z, p, lam):
    H = p.shape[1] - 1
    for b in range(p.shape[0]):
        k, delta_g = p[b, H], ZERO
        retained = ONE / (ONE + k)
        g = k * retained
        for i in range(H):
            phi = p[b, i]
            lam_g = lam[b, i] * g
            p[b, i] = lam_g * (ONE - phi * phi)
            delta_g += lam_g * (phi - z[b, i])
            lam[b, i] *= retained
        p[b, H] = delta_g * retained


@kernel()
def own_gates(options, z, p, x):
    """[CELL.multi]"""
    H = p.shape[1] // 2
    for b in range(p.shape[0]):
        for i in range(H):
            phi, k = tanh(p[b, i]), odds(p[b, H + i])
            p[b, i], p[b, H + i] = phi, k
            retained = ONE / (ONE + k)
            x[b, i] = retained * z[b, i] + k * retained * phi


@kernel()
def own_gates_backward(options, z, p, lam):
    H = p.shape[1] // 2
    for b in range(p.shape[0]):
        for i in range(H):
            phi, k = p[b, i], p[b, H + i]
            retained = ONE / (ONE + k)
            lam_g = lam[b, i] * (k * retained)
            p[b, i] = lam_g * (ONE - phi * phi)
            p[b, H + i] = lam_g * (phi - z[b, i]) * retained
            lam[b, i] *= retained


class Kernels(NamedTuple):
    """The element-wise work of a cell's step, compiled for the signature STEP."""

    step: Callable
    step_backward: Callable
    options: Callable = lambda cell: ()  # the numbers of a cell that its kernels read


KERNELS = {
    Plain: Kernels(constant_gate, constant_gate_backward, lambda cell: (cell.alpha,)),
    Leaky: Kernels(constant_gate, constant_gate_backward, lambda cell: (cell.alpha,)),
    Scalar: Kernels(shared_gate, shared_gate_backward),
    Multi: Kernels(own_gates, own_gates_backward),
}


@compiled(types.void(function, vector, matrix, strided_run, run, run))
def forward(step, options, W, u, z, p):
    """Fills z (T+1, batch, state + n) and the tapes p (T, batch, row) from the inputs u (T, n, batch)."""
    T, n, _ = u.shape
    state = z.shape[2] - n
    W_t = np.ascontiguousarray(W.T)
    z[0, :, :state] = ZERO
    for t in range(T):
        z[t, :, state:] = u[t].T
        np.dot(z[t], W_t, p[t])
        step(options, z[t], p[t], z[t + 1])


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


@compiled(types.void(function, vector, matrix, run, run, matrix, matrix))
def backward(step_backward, options, W, z, p, lam, dW):
    """[BPTT] from lambda_T in lam (batch, state) to dL/dW."""
    W_x = np.ascontiguousarray(W[:, : lam.shape[1]])
    through, entering = np.empty_like(lam), np.empty_like(dW)
    dW[:] = ZERO
    for t in range(len(p) - 1, -1, -1):
        step_backward(options, z[t], p[t], lam)
        np.dot(p[t], W_x, through)
        for b in range(lam.shape[0]):
            for i in range(lam.shape[1]):
                now = lam[b, i] + through[b, i]
                lam[b, i] = ZERO if abs(now) < NEGLIGIBLE else now
        np.dot(p[t].T, z[t], entering)
        dW += entering


@compiled(types.void(function, function, vector, weights, strided_runs, matrix, run, run, vector, weights))
def ensemble(step, step_backward, options, parameters, u, y, z, p, loss, gradient):
    """One member after the other: a member is the same whatever stands beside it."""
    lam = np.empty((z.shape[1], z.shape[2] - u.shape[2]), np.float32)
    for m in range(len(y)):
        W, W_o = parameters.W[m], parameters.W_o[m, 0]
        forward(step, options, W, u[:, m], z, p)
        loss[m] = loss_and_error(W_o, y[m], z[-1], gradient.W_o[m, 0], lam)
        backward(step_backward, options, W, z, p, lam, gradient.W[m])


class FusedGradient:
    """Called with (parameters, u, y) it returns what `loss_and_gradient` does; its working memory is made once."""

    def __init__(self, cell, T, batch):
        rows, columns = cell.shape
        self.kernels = KERNELS[type(cell)]
        self.options = np.array(self.kernels.options(cell), np.float32)
        self.z = np.zeros((T + 1, batch, columns), np.float32)
        self.p = np.zeros((T, batch, rows), np.float32)

    def __call__(self, parameters, u, y):
        step, step_backward, _ = self.kernels
        loss, gradient = np.empty(len(y), np.float32), Parameters(*map(np.empty_like, parameters))
        ensemble(step, step_backward, self.options, parameters, u, y, self.z, self.p, loss, gradient)
        return loss, gradient


def has_kernel(cell):
    """Whether the compiled form is there for this cell."""
    return type(cell) in KERNELS
