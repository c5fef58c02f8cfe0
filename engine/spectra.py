"""[ANI.J] Singular values of products of Jacobians, to high relative accuracy as far as they are asked for.

A product formed in double precision holds its singular values to about 1e-15 s_1, so those above TRUSTED s_1 have a
relative error below 1e-9, and those above LEAST s_1 one below 1e-6. Where one of the first r is smaller, the product is
accumulated as Q T with an orthogonal Q, made anew every few factors, before a small direction drowns in a large one:
the rows of the triangular T fall off as the singular values do, and each holds its own digits. One-sided Jacobi
rotations (LAPACK's dgejsv) then give every singular value to rounding times the condition number of T with its rows
scaled to unit norm, which dgejsv estimates and which is small; where it is not, values are not given.
"""

import numpy as np
from scipy.linalg.lapack import dgejsv

from engine.backend import like, namespace, singular_values, to_host

TRUSTED = 1e-6
LEAST = 1e-9
FACTORS = 4  # between two orthogonalizations; four Jacobians spread the first singular values by less than 100
RELATIVE_ERROR = 1e-6
ROUNDING = float(np.finfo(np.float64).eps)


def log_singular_values(J, r=None):
    """log s_1 >= ... >= s_H of J_h ... J_1, (batch..., H), from the factors J (h, batch..., H, H).

    s_1..s_r (by default all) hold to RELATIVE_ERROR whatever their ratio; what does not is NaN, what is 0 has -inf.
    """
    xp = namespace(J)
    H = J.shape[-1]
    product, log_scale = scaled_product(J)
    s = singular_values(product)
    largest = s[..., :1]
    resolved = xp.where(s > LEAST * largest, xp.log(xp.where(s > 0, s, 1)), xp.nan)
    log_s = xp.where(largest > 0, resolved, -float("inf")) + log_scale[..., None]
    last = s[..., (r or H) - 1]
    small = to_host((last <= TRUSTED * largest[..., 0]) & (largest[..., 0] > 0))
    if not small.any():
        return log_s
    values, factors = to_host(log_s).copy(), to_host(J)
    for place in np.argwhere(small):
        values[tuple(place)] = graded_log_values(factors[(slice(None), *place)])
    return like(log_s, values)


def scaled_product(J):
    """J_h ... J_1 divided by a scale, and the log of the scale (batch...)."""
    xp = namespace(J)
    product, log_scale = J[0, ...], 0
    for t in range(1, J.shape[0] + 1):
        peak = xp.max(xp.abs(product), axis=(-2, -1), keepdims=True)
        peak = xp.where(peak > 0, peak, 1)
        product, log_scale = product / peak, log_scale + xp.log(peak)[..., 0, 0]
        if t < J.shape[0]:
            product = J[t, ...] @ product
    return product, log_scale


def graded_log_values(J):
    """All log singular values (H,) of one chain of factors (h, H, H), NumPy; NaN where they do not hold."""
    T, log_scale = graded_factor(J)
    # "E": rows of any scale, with an estimate of the condition number that remains; no singular vectors.
    s, _, _, work, _, info = dgejsv(np.asfortranarray(T.T), joba=1, jobu=3, jobv=3, jobr=0, jobt=0, jobp=0)
    holds = info == 0 and work[2] * ROUNDING * len(J) < RELATIVE_ERROR
    with np.errstate(divide="ignore"):
        return np.log(s * (work[0] / work[1])) + log_scale if holds else np.full(len(s), np.nan)


def graded_factor(J):
    """T and the log of its scale, with J_h ... J_1 = Q T, Q orthogonal."""
    H, peaks = J.shape[-1], np.abs(J).max(axis=(1, 2), keepdims=True)
    J, log_scale = J / peaks, np.log(peaks).sum()
    Q, T = np.eye(H), np.eye(H)
    for first in range(0, len(J), FACTORS):
        for factor in J[first : first + FACTORS]:
            Q = factor @ Q
        Q, R = np.linalg.qr(Q)
        T = R @ T
        peak = np.abs(T).max()
        T, log_scale = T / peak, log_scale + np.log(peak)
    return T, log_scale
