"""[ANI.G] Singular values of a matrix of per-sample gradients: rows of unit norm, columns centred.

A constant column, such as the weights of a channel that is always 0, becomes zero by centring, and a zero column does
not change any singular value. So constant columns need no special treatment.
"""

from engine.common.backend import namespace
from engine.common.safe import ROUNDING
from engine.network.unroll import joined
from engine.products.linalg import singular_values, symmetric_eigenvalues
from engine.products.singular_values import RELATIVE_ERROR, frobenius

# A Gram matrix gives s_1^2 to relative accuracy ROUNDING and so s_i to ROUNDING (s_1 / s_i)^2; a singular value
# decomposition gives s_i to ROUNDING s_1 / s_i, and centring costs ROUNDING ||rows||_F / s_i. 10 is a margin.
GRAM_FLOOR = (ROUNDING / RELATIVE_ERROR) ** 0.5
DIRECT_FLOOR = 10 * ROUNDING / RELATIVE_ERROR


def flat_rows(gradients):
    """Per-sample gradients, Parameters (member, sample, ...), as rows (member, sample, parameter)."""
    xp = namespace(gradients.W)
    return xp.concat([xp.reshape(g, (*g.shape[:2], -1)) for g in gradients], axis=2)


def gradient_spectrum(blocks, r):
    """Singular values, their total energy and the number of samples without a gradient, from blocks of `flat_rows`.

    Rows are float64, and blocks follow each other along the samples.
    The values (member, rank) are accurate to RELATIVE_ERROR, or NaN. The last one is always NaN if there are no more
    samples than parameters, because centring takes one rank. Total energy: the sum of all s_i^2 (member,).
    """
    unit, found = (joined(parts, axis=1) for parts in zip(*map(unit_rows, blocks), strict=True))
    xp = namespace(unit)
    samples = xp.sum(xp.astype(found, unit.dtype), axis=(1, 2))
    centred = centre(unit, found, samples)
    s, floor = gram_singular_values(centred), GRAM_FLOOR
    if bool(xp.any(s[:, r - 1] <= GRAM_FLOOR * s[:, 0])):
        s, floor = singular_values(centred), DIRECT_FLOOR
    smallest = xp.maximum(floor * s[:, 0], DIRECT_FLOOR * xp.sqrt(samples))
    resolved = xp.where(s > smallest[:, None], s, xp.nan)
    return resolved, frobenius(centred) ** 2, unit.shape[1] - samples


def unit_rows(rows):
    """Rows scaled to unit norm, and the mask (member, sample, 1) of those that are not zero; the others stay zero."""
    xp = namespace(rows)
    peak = xp.max(xp.abs(rows), axis=2, keepdims=True)
    found = peak > 0
    rows = rows / xp.where(found, peak, 1)  # squares of tiny gradients underflow
    norm = xp.sqrt(xp.sum(rows * rows, axis=2, keepdims=True))
    return rows / xp.where(found, norm, 1), found


def centre(unit, found, samples):
    """Rows minus the mean over the rows in the mask `found`; the others stay zero."""
    xp = namespace(unit)
    mean = xp.sum(unit, axis=1, keepdims=True) / xp.clip(samples, 1, None)[:, None, None]
    return xp.where(found, unit - mean, 0)


def gram_singular_values(X):
    """All singular values (member, rank) in falling order, from the Gram matrix of the shorter side."""
    xp = namespace(X)
    X_t = xp.matrix_transpose(X)
    gram = X @ X_t if X.shape[1] <= X.shape[2] else X_t @ X
    return xp.flip(xp.sqrt(xp.clip(symmetric_eigenvalues(gram), 0, None)), axis=1)
