"""Element-wise operations of a step of each cell, compiled for float32, for engine.network.gradient_numba.

Each cell has two kernels for one step of one member; engine.network.gradient_numba does the matrix products:
- step(options, z, p, m, x): computes x_t from z_t and p = z W^T, and leaves the tape for the way back in p;
- step_backward(options, z, p, m, lam): from the tape p and lambda_t computes delta = dL/d(z W^T) in p, and in lam the
  part of lambda_{t-1} that does not pass through W.

z is (batch, H + n), x and lam are (batch, state). p is (part, batch, row): W may be cut into parts of equal height.
m (2, batch, H), for this step and the next, holds numbers that do not pass through p: of an LSTM its memory, c_{t-1}
and c_t; of a GRU W_i u_t, which its reset gate does not scale, and on the way back dL/d(W_i u_t).

Saturated gates keep full relative accuracy. So do the slopes of the candidates of GRU and LSTM; those of the other
cells, 1 - phi^2, do not, as in other libraries (docs/numerics.md, section 5).
"""

from collections.abc import Callable
from functools import partial
from typing import NamedTuple

import numpy as np
from numba import cfunc, types

from engine.cells import GRU, LSTM, Leaky, Multi, Plain, Scalar
from engine.common import jit

vector, matrix, run = types.float32[::1], types.float32[:, ::1], types.float32[:, :, ::1]
STEP = types.void(vector, matrix, run, run, matrix)

# Multiply-add may be one operation; sums over units may be taken in any order; NaN and infinity keep their meaning.
compiled = partial(jit.compiled, error_model="numpy", fastmath={"contract", "reassoc"})
kernel = partial(compiled, STEP, compiler=cfunc)

# A literal 1 would make the expression float64.
ZERO, HALF, ONE, TWO = np.float32(0), np.float32(0.5), np.float32(1), np.float32(2)

# tanh as a quotient of polynomials (the one of Eigen, which XLA uses as well): within 3e-7, never above 1, and without
# a branch or a table, so that it runs in vector registers amid other arithmetic.
LIMIT = np.float32(7.90531110763549805)
P1, P3, P5 = np.float32(4.89352455891786e-03), np.float32(6.37261928875436e-04), np.float32(1.48572235717979e-05)
P7, P9 = np.float32(5.12229709037114e-08), np.float32(-8.60467152213735e-11)
P11, P13 = np.float32(2.00018790482477e-13), np.float32(-2.76076847742355e-16)
Q0, Q2 = np.float32(4.89352518554385e-03), np.float32(2.26843463243900e-03)
Q4, Q6 = np.float32(1.18534705686654e-04), np.float32(1.19825839466702e-06)

# exp by powers of two: 2^f for |f| <= 1/2 to 3e-7; g and 1 - g are at least 2^-100.
PER_LOG_2, MOST, BIAS, MANTISSA = np.float32(1 / np.log(2)), np.float32(100), np.float32(127), np.float32(2**23)
E1, E2, E3 = np.float32(6.931471880e-01), np.float32(2.402234894e-01), np.float32(5.550357104e-02)
E4, E5 = np.float32(9.666373693e-03), np.float32(1.339086735e-03)

# Adjoints below 2^-100 cannot change a float32 gradient. They are set to 0, because arithmetic with subnormal numbers
# is about ten times slower.
NEGLIGIBLE = np.float32(2.0**-100)


@compiled()
def tanh(a):
    a = min(max(a, -LIMIT), LIMIT)
    s = a * a
    p = (((((P13 * s + P11) * s + P9) * s + P7) * s + P5) * s + P3) * s + P1
    return a * p / (((Q6 * s + Q4) * s + Q2) * s + Q0)


@compiled()
def odds(s):
    """exp(s) = g / (1 - g) for g = sigma(s): gives g and 1 - g to full relative accuracy, near 0 and near 1."""
    y = min(max(s * PER_LOG_2, -MOST), MOST)
    n = np.floor(y + HALF)
    f = y - n
    power = np.int32((n + BIAS) * MANTISSA).view(np.float32)  # 2^n, from the bits of its exponent
    return power + power * (f * ((((E5 * f + E4) * f + E3) * f + E2) * f + E1))


@compiled()
def slope(a):
    """1 / cosh(a)^2, to full relative accuracy; 1 - tanh(a)^2 cancels for large |a|."""
    k = odds(-TWO * abs(a))
    share = TWO / (ONE + k)
    return k * share * share


@compiled()
def flushed(x):
    return ZERO if abs(x) < NEGLIGIBLE else x


@kernel()
def leaky(options, z, p, m, x):
    """[CELL.leaky]"""
    p = p[0]
    alpha, retained = options[0], ONE - options[0]
    for b in range(p.shape[0]):
        for i in range(p.shape[1]):
            p[b, i] = tanh(p[b, i])
            x[b, i] = retained * z[b, i] + alpha * p[b, i]


@kernel()
def leaky_backward(options, z, p, m, lam):
    p = p[0]
    alpha, retained = options[0], ONE - options[0]
    for b in range(p.shape[0]):
        for i in range(p.shape[1]):
            phi = p[b, i]
            p[b, i] = alpha * lam[b, i] * (ONE - phi * phi)
            lam[b, i] = retained * lam[b, i]


@kernel()
def scalar(options, z, p, m, x):
    """[CELL.scalar]"""
    p = p[0]
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
def scalar_backward(options, z, p, m, lam):
    p = p[0]
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
def multi(options, z, p, m, x):
    """[CELL.multi]"""
    p = p[0]
    H = p.shape[1] // 2
    for b in range(p.shape[0]):
        for i in range(H):
            phi, k = tanh(p[b, i]), odds(p[b, H + i])
            p[b, i], p[b, H + i] = phi, k
            retained = ONE / (ONE + k)
            x[b, i] = retained * z[b, i] + k * retained * phi


@kernel()
def multi_backward(options, z, p, m, lam):
    p = p[0]
    H = p.shape[1] // 2
    for b in range(p.shape[0]):
        for i in range(H):
            phi, k = p[b, i], p[b, H + i]
            retained = ONE / (ONE + k)
            lam_g = lam[b, i] * (k * retained)
            p[b, i] = lam_g * (ONE - phi * phi)
            p[b, H + i] = lam_g * (phi - z[b, i]) * retained
            lam[b, i] *= retained


# The compiler proves that arrays do not overlap only in loops over few of them. So the next four kernels have several
# loops over the units.


@kernel()
def gru(options, z, p, m, x):
    """[CELL.gru] From q, both gates and m = W_i u_t; leaves q, their odds and m = a."""
    for b in range(z.shape[0]):
        for i in range(m.shape[2]):
            k = odds(p[1, b, i])
            p[1, b, i] = k
            m[0, b, i] += k / (ONE + k) * p[0, b, i]
        for i in range(m.shape[2]):
            k = odds(p[2, b, i])
            p[2, b, i] = k
            g = ONE / (ONE + k)
            x[b, i] = k * g * z[b, i] + g * tanh(m[0, b, i])


@kernel()
def gru_backward(options, z, p, m, lam):
    for b in range(z.shape[0]):
        for i in range(m.shape[2]):
            k, a = p[2, b, i], m[0, b, i]
            g = ONE / (ONE + k)
            lam_g = lam[b, i] * g
            p[2, b, i] = lam_g * (z[b, i] - tanh(a)) * (k * g)
            m[0, b, i] = lam_g * slope(a)
            lam[b, i] *= k * g
        for i in range(m.shape[2]):
            q, k = p[0, b, i], p[1, b, i]
            shut = ONE / (ONE + k)
            delta_q = m[0, b, i] * (k * shut)
            p[0, b, i] = delta_q
            p[1, b, i] = delta_q * q * shut


@kernel()
def lstm(options, z, p, m, x):
    """[CELL.lstm] From a and three gates; leaves a, their odds and c_t."""
    for b in range(z.shape[0]):
        for i in range(m.shape[2]):
            k_i, k_f = odds(p[1, b, i]), odds(p[2, b, i])
            p[1, b, i], p[2, b, i] = k_i, k_f
            m[1, b, i] = k_f / (ONE + k_f) * m[0, b, i] + k_i / (ONE + k_i) * tanh(p[0, b, i])
        for i in range(m.shape[2]):
            k = odds(p[3, b, i])
            p[3, b, i] = k
            x[b, i] = k / (ONE + k) * tanh(m[1, b, i])


@kernel()
def lstm_backward(options, z, p, m, lam):
    H = m.shape[2]
    for b in range(z.shape[0]):
        for i in range(H):
            k, c = p[3, b, i], m[1, b, i]
            shut = ONE / (ONE + k)
            lam_o = lam[b, i] * (k * shut)
            p[3, b, i] = lam_o * tanh(c) * shut
            lam[b, i] = lam_o * slope(c)
        for i in range(H):
            lam[b, H + i] += lam[b, i]
            lam[b, i] = ZERO
        for i in range(H):
            a, k = p[0, b, i], p[1, b, i]
            shut = ONE / (ONE + k)
            lam_i = lam[b, H + i] * (k * shut)
            p[0, b, i] = lam_i * slope(a)
            p[1, b, i] = lam_i * tanh(a) * shut
        for i in range(H):
            k = p[2, b, i]
            shut = ONE / (ONE + k)
            lam_f = lam[b, H + i] * (k * shut)
            p[2, b, i] = lam_f * m[0, b, i] * shut
            lam[b, H + i] = flushed(lam_f)


class Kernels(NamedTuple):
    """The element-wise work of a cell's step, compiled for the signature STEP."""

    step: Callable
    step_backward: Callable
    options: Callable = lambda cell: ()  # the numbers of a cell that its kernels read
    parts: int = 1  # of p and W: BLAS is faster with four of 64 rows than with one of 256
    uses_m: bool = False
    inputs_in_m: bool = False  # whether W_i u_t stands there, and not in p


KERNELS = {
    Plain: Kernels(leaky, leaky_backward, lambda cell: (cell.alpha,)),
    Leaky: Kernels(leaky, leaky_backward, lambda cell: (cell.alpha,)),
    Scalar: Kernels(scalar, scalar_backward),
    Multi: Kernels(multi, multi_backward),
    GRU: Kernels(gru, gru_backward, parts=3, uses_m=True, inputs_in_m=True),
    LSTM: Kernels(lstm, lstm_backward, parts=4, uses_m=True),
}
