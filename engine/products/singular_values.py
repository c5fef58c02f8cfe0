"""[ANI.J] Singular values of products of Jacobians, to high relative accuracy as far as they are asked for.

A product formed in double precision holds its singular values to about 1e-15 s_1, so those above TRUSTED s_1 have a
relative error below 1e-9, and those above LEAST s_1 one below 1e-6. Where one of the first r is smaller, the product is
accumulated as Q T with an orthogonal Q, made anew every few factors, before a small direction drowns in a large one:
the rows of the triangular T fall off as the singular values do, and each holds its own digits. One-sided Jacobi
rotations then give every singular value to rounding times the condition number of T with its rows scaled to unit norm,
which is small; where it is not, values are not given.
"""

import numpy as np

from engine.common.backend import identity, like, namespace, to_host
from engine.products.linalg import at_unit_size, qr, row_scaled_singular_values, singular_values

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
    chains = np.flatnonzero(small)
    graded = graded_log_values(xp.take(xp.reshape(J, (J.shape[0], -1, H, H)), like(J, chains), axis=1))
    values = to_host(log_s).copy().reshape(-1, H)
    values[chains] = to_host(graded)
    return like(log_s, values.reshape(log_s.shape))


def scaled_product(J):
    """J_h ... J_1 divided by a scale, and the log of the scale (batch...)."""
    xp = namespace(J)
    product, log_scale = J[0, ...], 0
    for t in range(1, J.shape[0] + 1):
        product, peak = at_unit_size(product)
        log_scale = log_scale + xp.log(peak)[..., 0, 0]
        if t < J.shape[0]:
            product = J[t, ...] @ product
    return product, log_scale


def graded_log_values(J):
    """All log singular values (chain, H) of chains of factors (h, chain, H, H); NaN where they do not hold."""
    xp = namespace(J)
    T, log_scale = graded_factor(J)
    s, condition = row_scaled_singular_values(T)
    log_s = xp.where(s > 0, xp.log(xp.where(s > 0, s, 1)), xp.where(xp.isnan(s), s, -float("inf")))
    holds = condition * ROUNDING * J.shape[0] < RELATIVE_ERROR
    return xp.where(holds[:, None], log_s + log_scale[:, None], xp.nan)


def graded_factor(J):
    """T (chain, H, H) and the log of its scale (chain,), with J_h ... J_1 = Q T, Q orthogonal."""
    xp = namespace(J)
    Q = T = xp.broadcast_to(identity(J, J.shape[-1]), J.shape[1:])
    log_scale = 0
    for first in range(0, J.shape[0], FACTORS):
        for t in range(first, min(first + FACTORS, J.shape[0])):
            factor, peak = at_unit_size(J[t, ...])
            Q, log_scale = factor @ Q, log_scale + xp.log(peak)[..., 0, 0]
        Q, R = qr(Q)
        T, peak = at_unit_size(R @ T)
        log_scale = log_scale + xp.log(peak)[..., 0, 0]
    return T, log_scale
