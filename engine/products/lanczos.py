"""Lanczos iteration for the largest eigenvalue of many symmetric matrices at once, a vector each, on any arrays.

From v_1, with v_0 = 0: w = M v_j - alpha_j v_j - beta_{j-1} v_{j-1}, beta_j = ||w||, v_{j+1} = w / beta_j. The largest
eigenvalue theta of the tridiagonal matrix of the alpha and beta is within beta_j |last entry of its eigenvector| of one
of M. The v lose their orthogonality, but not before theta has converged (Paige), and theta is all that is wanted.
"""

from typing import NamedTuple

import numpy as np

from engine.common.backend import in_rows, namespace, zeros

NEWTON_STEPS = 20


class Iteration(NamedTuple):
    """Where the iterations are; all arrays are changed in place."""

    v: object  # (..., H), 0 where an iteration is done
    before: object  # (..., H), the v of one step ago
    alpha: object  # (step, ...)
    beta2: object  # (step, ...), squared
    theta: object  # (...), the largest Ritz value
    last2: object  # (...), the square of the last entry of its eigenvector
    found: object  # (...), theta once it has converged, NaN before


def begin(v, steps):
    """Iterations from `v` (..., H), of which they have a copy, with room for `steps` of them."""
    size = v.shape[:-1]
    shapes = v.shape, (steps, *size), (steps, *size), size, size, size
    iteration = Iteration(in_rows(v), *(zeros(v, *shape) for shape in shapes))
    iteration.found[...] = namespace(v).nan
    return iteration


def restrict(iteration, k, t):
    """The first k along the first and the first t along the last axis of what is iterated, as copies."""
    vector, scalar = (slice(k), ..., slice(t), slice(None)), (slice(k), ..., slice(t))
    places = [vector, vector, (slice(None), *scalar), (slice(None), *scalar), scalar, scalar, scalar]
    return Iteration(*(in_rows(x[at]) for x, at in zip(iteration, places, strict=True)))


def advance(iteration, step, alpha, w, tolerance):
    """Step `step` (from 0) with alpha = v^T M v (...) and w = M v (..., H): the next v, and what has converged."""
    v, before, _, beta2, theta, last2, found = iteration
    xp = namespace(v)
    beta = xp.sqrt(beta2[step - 1, ...]) if step else 0 * alpha
    w = w - alpha[..., None] * v - beta[..., None] * before
    iteration.alpha[step, ...] = alpha
    beta2[step, ...] = xp.sum(w * w, axis=-1)
    live = xp.isnan(found)
    with np.errstate(over="ignore", invalid="ignore", divide="ignore"):  # what is done has no say any more
        theta[...], last2[...] = ritz_value(iteration, step, live)
        done = live & (beta2[step, ...] * last2 <= (tolerance * theta) ** 2)
        found[...] = xp.where(done, theta, found)
        before[...] = v
        v[...] = xp.where((live & ~done)[..., None], w / xp.sqrt(beta2[step, ...])[..., None], 0.0)


def ritz_value(iteration, step, live):
    """theta and last2 one step on, from what they were.

    By Newton's method on d = det(T_j - x) / det(T_{j-1} - x), from the left of the root: between the old theta and the
    new one d falls and is convex, and leaving out all of its poles but the one at the old theta gives a first x.
    At the root, d' = -1 / (last entry)^2.
    """
    _, _, alpha, beta2, theta, last2, _ = iteration
    xp = namespace(theta)
    if step == 0:
        return alpha[0, ...], xp.ones_like(theta)
    w, gap = beta2[step - 1, ...] * last2, theta - alpha[step, ...]
    root = xp.sqrt(gap * gap + 4 * w)
    x = theta + xp.where(gap < 0, (root - gap) / 2, 2 * w / (root + gap))
    for _ in range(NEWTON_STEPS):
        d, slope = pivot(alpha, beta2, x, step)
        moved, gap = x - theta, x - alpha[step, ...]
        # Where theta has all but stopped, the other poles are too far to matter, and d is too close to one to evaluate.
        still = moved < 1e-13 * x
        slope = xp.where(still, -1 - gap * gap / w, slope)
        change = xp.where(still, 0.0, -d / slope)
        x = x + change
        if float(xp.max(xp.where(live & ~still, change * change / (moved * x), 0.0))) < 1e-15:
            break
    return x, -1 / slope


def pivot(alpha, beta2, x, step):
    """d = det(T_j - x) / det(T_{j-1} - x), with T_j the first j rows and columns, and its slope in x."""
    d, slope = alpha[0, ...] - x, -namespace(x).ones_like(x)
    for j in range(1, step + 1):
        ratio = beta2[j - 1, ...] / d
        d, slope = alpha[j, ...] - x - ratio, -1 + ratio / d * slope
    return d, slope
