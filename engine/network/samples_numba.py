"""The gradients of single samples as compiled loops over time, in float64: of plain, leaky, scalar and multi cells.

`engine.network.unroll.per_sample_gradients` is the definition. As in engine.network.gradient_numba a step is stored
sample by sample, and element-wise operations are done in one pass; here W is small beside what the samples give, so the
outer products of a sample's steps are one matrix product over its time.
"""

import math

import numpy as np

from engine.cells import Leaky, Multi, Plain, Scalar
from engine.common import jit
from engine.network.unroll import (
    SQUARED_ERROR,
    Parameters,
    Trajectory,
    entering_lambdas,
    errors_and_reads,
    loss_and_error,
    with_constant,
)

CONSTANT, SCALAR, MULTI = range(3)  # kinds of gates, as in gradient.cu
KINDS = {Plain: CONSTANT, Leaky: CONSTANT, Scalar: SCALAR, Multi: MULTI}

# exp(y) = 2^n exp(f) with |f| <= log(2) / 2; the series of exp(f) ends where its terms are below 2^-53.
PER_LOG_2, LOG_2_HIGH, LOG_2_LOW = 1 / math.log(2), 6.93147180369123816490e-01, 1.90821492927058770002e-10
SERIES = tuple(1 / math.factorial(k) for k in range(13, 0, -1))
LEAST = -700.0  # of y: exp(y) is not smaller than 1e-304

compiled = jit.compiled(error_model="numpy", fastmath={"contract", "reassoc"})


@compiled
def inner(x, y):
    total = 0.0
    for i in range(len(x)):
        total += x[i] * y[i]
    return total


@compiled
def exp_below_1(y):
    """exp(y) and 1 - exp(y) for y <= 0, each to full relative accuracy."""
    y = max(y, LEAST)
    n = np.floor(y * PER_LOG_2 + 0.5)
    f = (y - n * LOG_2_HIGH) - n * LOG_2_LOW
    q = 0.0
    for c in SERIES:
        q = q * f + c
    q *= f
    power = np.int64((np.int64(n) + 1023) << 52).view(np.float64)  # 2^n, from the bits of its exponent
    return power + power * q, (1 - power) - power * q


@compiled
def tanh_and_slope(a):
    k, rest = exp_below_1(-2 * abs(a))
    share = 1 / (1 + k)
    return math.copysign(rest * share, a), 4 * k * share * share


@compiled
def gate(s):
    """sigma(s) and sigma(-s)."""
    k, _ = exp_below_1(-abs(s))
    large = 1 / (1 + k)
    small = k * large
    return large if s >= 0 else small, small if s >= 0 else large


@compiled
def step(kind, alpha, p, g, x, dx_da, dx_ds, retained):
    """x_{t-1} in x becomes x_t, from the pre-activations p (batch, row); and the slopes of x_t, (batch, H) each.

    g (H) is working memory: the compiler vectorises loops that do one thing.
    """
    batch, H = dx_da.shape
    for b in range(batch):
        r = retained[b]
        if kind == MULTI:
            for i in range(H):
                g[i], r[i] = gate(p[b, H + i])
        else:
            g[:], r[:] = gate(p[b, H]) if kind == SCALAR else (alpha, 1 - alpha)
        for i in range(H):
            phi, slope = tanh_and_slope(p[b, i])
            dx_da[b, i], dx_ds[b, i] = g[i] * slope, (phi - x[b, i]) * (g[i] * r[i])
            x[b, i] = r[i] * x[b, i] + g[i] * phi


@compiled
def forward(kind, alpha, W, u, z, dx_da, dx_ds, retained, x):
    """Fills z (batch, T, column), the slopes (T, batch, H) and x = x_T (batch, H) from u (T, row, batch)."""
    T, batch, H = dx_da.shape
    W_t, g = np.ascontiguousarray(W.T), np.empty(H)
    z_t, p = np.empty((batch, W.shape[1])), np.empty((batch, len(W)))
    x[:] = 0.0
    for t in range(T):
        for b in range(batch):
            for i in range(H):
                z_t[b, i] = x[b, i]
            for i in range(u.shape[1]):
                z_t[b, H + i] = u[t, i, b]
            z[b, t] = z_t[b]
        np.dot(z_t, W_t, p)
        step(kind, alpha, p, g, x, dx_da[t], dx_ds[t], retained[t])


@compiled
def backward(kind, W, z, dx_da, dx_ds, retained, lam, delta, gradient):
    """Fills gradient (batch, row, column) from lambda_T in lam (batch, H); delta (batch, T, row) is working memory."""
    T, batch, H = dx_da.shape
    W_x, p, through = np.ascontiguousarray(W[:, :H]), np.empty((batch, len(W))), np.empty((batch, H))
    for t in range(T - 1, -1, -1):
        for b in range(batch):
            if kind == MULTI:
                for i in range(H):
                    p[b, H + i] = lam[b, i] * dx_ds[t, b, i]
            elif kind == SCALAR:
                p[b, H] = inner(lam[b], dx_ds[t, b])
            for i in range(H):
                p[b, i] = lam[b, i] * dx_da[t, b, i]
                lam[b, i] *= retained[t, b, i]
            delta[b, t] = p[b]
        np.dot(p, W_x, through)
        for b in range(batch):
            for i in range(H):
                lam[b, i] += through[b, i]
    for b in range(batch):
        np.dot(delta[b].T, z[b], gradient[b])


def per_sample_gradients(cell, parameters, u, y, loss=SQUARED_ERROR):
    """As that of engine.network.unroll, for a loss that reads the last step."""
    u, kind, alpha = with_constant(cell, u), KINDS[type(cell)], getattr(cell, "alpha", 0.0)
    (T, members, _, batch), (rows, columns), H = u.shape, cell.shape, cell.units
    z, delta = np.empty((members, batch, T, columns)), np.empty((batch, T, rows))
    slopes, x = np.empty((members, 3, T, batch, H)), np.empty((members, batch, H))
    dW = np.empty((members, batch, rows, columns))
    for m in range(members):
        forward(kind, alpha, parameters.W[m], u[:, m], z[m], *slopes[m], x[m])
    trajectory = Trajectory(z, x.mT, [])
    _, error = loss_and_error(cell, parameters, trajectory, y, loss)
    error = error * batch
    (lam,) = entering_lambdas(cell, parameters.W_o, error)
    lam = np.ascontiguousarray(lam.mT)
    for m in range(members):
        backward(kind, parameters.W[m], z[m], *slopes[m], lam[m], delta, dW[m])
    ((e, read),) = errors_and_reads(cell, parameters.W_o, trajectory, error)
    return Parameters(dW, e.mT[..., None] * read.mT[:, :, None, :])


def has_kernel(cell, W, loss):
    """Whether networks with these weights have a compiled form."""
    here = isinstance(W, np.ndarray) and W.dtype == np.float64 and type(cell) in KINDS
    return here and cell.has_usual_functions and loss.steps == 1
