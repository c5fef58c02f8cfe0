"""The largest eigenvalue of many symmetric matrices M >= 0 at once, by Lanczos iteration with a proof of its accuracy.

From v_1 of norm 1, with v_0 = 0: w = M v_j - alpha_j v_j - beta_{j-1} v_{j-1}, beta_j = ||w||, v_{j+1} = w / beta_j.
In a basis that starts with the v, M = [[T, beta_j e], [beta_j e^T, rest]], where T is the tridiagonal matrix of
the alpha and beta and e its last unit vector. No eigenvalue of `rest` is above rho = tr M - tr T, since none is
negative. So M <= [[T, beta_j e], [beta_j e^T, rho]]. An x above theta, the largest eigenvalue of T, is above all
eigenvalues of M where

    rho + beta_j^2 / d < x,    with d the last pivot of x - T.

And theta is at most the largest eigenvalue of M. So with x = theta (1 + tolerance) this proves that theta is correct to
the tolerance, for any start and any cluster of eigenvalues. Then the iteration ends. If nothing is proven after
RULE.steps steps, the caller must find the eigenvalue in another way.

Three forms of this iteration share RULE: this module (any arrays), engine.products.lanczos_cuda (a GPU), and
engine.products.lanczos_numba (compiled, for engine.products.spectral_norms_numba).

Once an eigenvalue of T has converged, the v lose their orthogonality: T then holds it twice, and rho is too small. So
if w is not orthogonal to v_1, the iteration ends without a proof, with rho = infinity.
"""

from typing import NamedTuple

import numpy as np

from engine.common.backend import in_rows, namespace, zeros


class Rule(NamedTuple):
    """Constants that all forms of the iteration share."""

    tolerance: float  # relative, of an eigenvalue; of a norm, half of it
    steps: int
    newton_steps: int
    newton_error: float  # the last, relative change of theta
    orthogonal: float  # |w v_1| / ||w|| from which on orthogonality is lost
    reach: float  # tr R^T R tr L L^T / tr M above which the rounding of M = L^T R^T R L is not negligible


RULE = Rule(tolerance=1.8e-9, steps=20, newton_steps=64, newton_error=1e-12, orthogonal=1e-6, reach=1e6)


class Iteration(NamedTuple):
    """The state of the iterations; all arrays but `start` are changed in place."""

    start: object  # (H), v_1
    v: object  # (..., H), 0 where an iteration has ended
    before: object  # (..., H), the v of one step ago
    alpha: object  # (step, ...)
    beta2: object  # (step, ...), squared
    theta: object  # (...), the largest eigenvalue of T, found from above
    rho: object  # (...), bound on the eigenvalues of `rest`; infinite if nothing can be proven
    found: object  # (...), theta once it is proven, NaN before


def begin(start, trace):
    """The Iteration from `start` (H) with matrices of this `trace` (...), which is infinite if it is not known."""
    size, steps = trace.shape, RULE.steps
    v = in_rows(namespace(start).broadcast_to(start, (*size, start.shape[-1])))
    shapes = v.shape, (steps, *size), (steps, *size), size, size, size
    iteration = Iteration(start, v, *(zeros(trace, *shape) for shape in shapes))
    iteration.rho[...] = trace
    iteration.found[...] = namespace(trace).nan
    return iteration


def cut(iteration, k, t):
    """The iterations [:k, ..., :t], as copies."""
    vector, scalar = (slice(k), ..., slice(t), slice(None)), (slice(k), ..., slice(t))
    places = [vector, vector, (slice(None), *scalar), (slice(None), *scalar), scalar, scalar, scalar]
    parts = (in_rows(x[at]) for x, at in zip(iteration[1:], places, strict=True))
    return Iteration(iteration.start, *parts)


def advance(iteration, step, alpha, w):
    """Makes step `step` (from 0) with alpha = v^T M v (...), w = M v (..., H): sets the next v, `found` if proven."""
    start, v, before, _, beta2, theta, rho, found = iteration
    xp, live = namespace(v), goes_on(iteration)
    beta = xp.sqrt(beta2[step - 1, ...]) if step else 0 * alpha
    w = w - alpha[..., None] * v - beta[..., None] * before
    iteration.alpha[step, ...] = alpha
    beta2[step, ...] = xp.sum(w * w, axis=-1)
    rho[...] = rho - alpha
    with np.errstate(over="ignore", invalid="ignore", divide="ignore"):  # ignore iterations that have ended
        theta[...], converged = ritz_value(iteration, step, live)
        x = theta * (1 + RULE.tolerance)
        d, _ = last_pivot(iteration, step, x)
        proven = live & converged & (rho + beta2[step, ...] / d < x)
        found[...] = xp.where(proven, theta, found)
        lost = xp.sum(w * start, axis=-1) ** 2 >= RULE.orthogonal**2 * beta2[step, ...]
        rho[...] = xp.where(lost, float("inf"), rho)
        before[...] = v
        v[...] = xp.where(goes_on(iteration)[..., None], w / xp.sqrt(beta2[step, ...])[..., None], 0.0)


def goes_on(iteration):
    """Mask (...) of the iterations that have not ended."""
    xp = namespace(iteration.rho)
    return xp.isnan(iteration.found) & (iteration.rho < float("inf"))


def ritz_value(iteration, step, live):
    """The largest eigenvalue theta of T after a step, and whether it has converged; both (...).

    Newton's method on det(x - T), which falls monotonically to theta from above. It starts from the larger eigenvalue
    of [[theta, beta], [beta, alpha]] with the theta of the step before, an upper bound.
    """
    _, _, _, alpha, beta2, theta, _, _ = iteration
    xp = namespace(theta)
    if step == 0:
        return alpha[0, ...], live
    half = (theta - alpha[step, ...]) / 2
    x = theta - half + xp.sqrt(half * half + beta2[step - 1, ...])
    for _ in range(RULE.newton_steps):
        change = 1 / last_pivot(iteration, step, x)[1]
        moves = ~(xp.abs(change) <= RULE.newton_error * x)
        x = x - change
        if not bool(xp.any(live & moves)):
            break
    return x, ~moves


def last_pivot(iteration, step, x):
    """The last pivot of x - T, and the derivative of log det(x - T) in x, each (...)."""
    xp = namespace(x)
    d, slope = x - iteration.alpha[0, ...], xp.ones_like(x)
    rate = 1 / d
    for j in range(1, step + 1):
        ratio = iteration.beta2[j - 1, ...] / d
        slope = 1 + ratio / d * slope
        d = x - iteration.alpha[j, ...] - ratio
        rate = rate + slope / d
    return d, rate
