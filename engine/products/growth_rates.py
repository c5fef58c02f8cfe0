"""[LYA.spectrum] How fast the directions grow that a stream of Jacobians carries along, on any arrays.

With orthonormal columns Q: J_n ... J_1 Q = Q' R, and log |R_ii| is the growth of direction i over these n steps
(Benettin et al. 1980). Then Q' takes the place of Q. A small R_ii holds the rounding of the largest one. So n follows
how fast the directions have grown or shrunk: R then spreads over few digits.

On a CPU engine.products.growth_rates_numba does the same without orthogonalization, except at the end of a block.
"""

import numpy as np

from engine.common import safe
from engine.common.backend import namespace
from engine.common.seeding import stream
from engine.products import growth_rates_numba
from engine.products.growth_rates_numba import LARGEST_GROWTH, MOST_STEPS
from engine.products.linalg import orthonormal
from engine.products.singular_values import frobenius

LARGEST_ERROR = 1e-6  # of a growth rate, from rounding


def growth_rates(jacobians, directions, *, transient, block, blocks):
    """Growth per step (block, ..., k) of k directions: over each of `blocks` times `block` steps after a transient.

    `jacobians` yields J_1, J_2, ... (..., H, H). The columns of `directions` (H, k) are orthonormal. -inf where all is
    0, NaN where a growth is lost in the rounding of a larger one.
    """
    carry = growth_rates_numba.carried if isinstance(directions, np.ndarray) else carried
    Q, _, _, steps = carry(jacobians, directions, transient, 1)
    xp, found = namespace(Q), []
    for _ in range(blocks):
        Q, growth, error, steps = carry(jacobians, Q, block, steps)
        found.append(xp.where(error < LARGEST_ERROR * block, growth / block, xp.nan))
    return xp.stack(found)


def carried(jacobians, Q, length, steps):
    """Q after `length` more steps, the growth of its directions (..., k), what rounding has taken of it, and `steps`.

    `steps` is the number of steps between two orthogonalizations, here at first and there from now on.
    """
    xp, growth, error, done = namespace(Q), 0.0, 0.0, 0
    while done < length:
        steps = min(steps, length - done)
        for _ in range(steps):
            Q = next(jacobians) @ Q
        largest = frobenius(Q)[..., None]
        Q, entries = orthonormal(Q)
        entries = xp.abs(entries)
        log_R, lost = safe.log(entries), steps * safe.ROUNDING * safe.ratio(largest, entries)
        growth, error, done = growth + log_R, error + xp.where(largest > 0, lost, 0.0), done + steps
        steps = steps_for(log_R, steps)
    return Q, growth, error, steps


def steps_for(log_R, steps):
    """How many steps may follow, where the growth over the last `steps` was log_R."""
    xp = namespace(log_R)
    growth = float(xp.max(xp.where(xp.isfinite(log_R), xp.abs(log_R), 0)))
    return int(np.clip(LARGEST_GROWTH * steps / max(growth, 1e-9), 1, MOST_STEPS))


def random_directions(size, count):
    """Orthonormal columns (size, count), NumPy, always the same; fewer are the first of more."""
    return np.linalg.qr(stream(0, "growth rates", "directions").normal(size=(count, size)).T)[0]
