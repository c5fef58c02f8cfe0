"""[ANI.G] Singular values of a matrix of per-sample gradients: rows of unit norm, columns centred.

A constant column, such as the weights of a channel that is always 0, is zero once it is centred, and a zero column
adds nothing to any singular value. Dropping it changes no number, and no guard has to say what counts as constant.
"""

import numpy as np

from engine.common.backend import namespace
from engine.products.linalg import singular_values, symmetric_eigenvalues

RELATIVE_ERROR = 1e-6
ROUNDING = float(np.finfo(np.float64).eps)
# A Gram matrix holds s_1^2 to ROUNDING and so s_i to ROUNDING (s_1 / s_i)^2; a singular value decomposition holds s_i
# to ROUNDING s_1 / s_i, and centring has already cost ROUNDING ||rows||_F / s_i; ten times that leaves room.
GRAM_FLOOR = (ROUNDING / RELATIVE_ERROR) ** 0.5
DIRECT_FLOOR = 10 * ROUNDING / RELATIVE_ERROR


def flat_rows(gradients):
    """Per-sample gradients, Parameters (member, sample, ...), as rows (member, sample, parameter)."""
    xp = namespace(gradients.W)
    return xp.concat([xp.reshape(g, (*g.shape[:2], -1)) for g in gradients], axis=2)


def gradient_spectrum(rows, r):
    """Singular values, their total energy and the number of samples without a gradient, from `flat_rows` in float64.

    The values (member, rank) hold to RELATIVE_ERROR; those that cannot are NaN. The last one always is where there are
    no more samples than parameters: centring takes one rank. Total energy: the sum of all s_i^2 (member,).
    """
    xp = namespace(rows)
    unit, found = unit_rows(rows)
    samples = xp.sum(xp.astype(found, rows.dtype), axis=(1, 2))
    centred = centre(unit, found, samples)
    s, floor = gram_singular_values(centred), GRAM_FLOOR
    if bool(xp.any(s[:, r - 1] <= GRAM_FLOOR * s[:, 0])):
        s, floor = singular_values(centred), DIRECT_FLOOR
    smallest = xp.maximum(floor * s[:, 0], DIRECT_FLOOR * xp.sqrt(samples))
    resolved = xp.where(s > smallest[:, None], s, xp.nan)
    return resolved, xp.sum(centred * centred, axis=(1, 2)), rows.shape[1] - samples


def unit_rows(rows):
    """Rows scaled to unit norm, and which of them had a norm (member, sample, 1); the others stay zero."""
    xp = namespace(rows)
    peak = xp.max(xp.abs(rows), axis=2, keepdims=True)
    found = peak > 0
    rows = rows / xp.where(found, peak, 1)  # the square of a tiny gradient would underflow
    norm = xp.sqrt(xp.sum(rows * rows, axis=2, keepdims=True))
    return rows / xp.where(found, norm, 1), found


def centre(unit, found, samples):
    """Columns minus their mean over the rows that were found; the others are zero and add nothing."""
    xp = namespace(unit)
    mean = xp.sum(unit, axis=1, keepdims=True) / xp.clip(samples, 1, None)[:, None, None]
    return xp.where(found, unit - mean, 0)


def gram_singular_values(X):
    """All singular values (member, rank) in falling order, from the Gram matrix of the shorter side."""
    xp = namespace(X)
    X_t = xp.matrix_transpose(X)
    gram = X @ X_t if X.shape[1] <= X.shape[2] else X_t @ X
    return xp.flip(xp.sqrt(xp.clip(symmetric_eigenvalues(gram), 0, None)), axis=1)
