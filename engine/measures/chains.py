"""Chains of Jacobians J_{t-h+1}, ..., J_t, the factors of Phi_{t,t-h}: for chosen pairs (sample, t), or up to T."""

from collections.abc import Callable
from dataclasses import dataclass
from functools import cached_property
from typing import NamedTuple

import numpy as np

from engine.cells.terms import CellOfTerms
from engine.common.backend import identity, like, namespace, zeros
from engine.common.seeding import stream
from engine.network.unroll import full_jacobian
from engine.products.formed_numba import fill_factors
from engine.products.scaled import scaled, shifted
from engine.products.singular_values import Formed, formed_of_terms, formed_to_the_end


def draw_pairs(seed, lags, pairs, T, batch):
    """Samples 0..batch-1 and times t = h+1..T, so that 1 <= t - h: uniform at every lag, each (lag, pair).

    A pair has one sample for all lags. It also has one t for all lags for which the drawn t is beyond the longest lag:
    the product of the shorter lag is then a part of the longest product. Pairs with a t of their own come first.
    """
    rng, longest = stream(seed, "anisotropy", "pairs"), max(lags)
    samples, late = rng.integers(0, batch, pairs), rng.integers(longest + 1, T + 1, pairs)
    share = np.sort(rng.random(pairs))
    times = np.stack([lag + 1 + (share * (T - lag)).astype(int) for lag in lags])
    return np.broadcast_to(samples, times.shape), np.where(times > longest, late, times)


def by_step(z):
    """z (T, member, H + n, batch) as (member, T, batch, H + n), a copy, from which chains take their steps."""
    xp, (T, members, rows, batch) = namespace(z), z.shape
    steps = zeros(z, members, T, batch, rows)
    steps[...] = xp.permute_dims(z, (1, 0, 3, 2))
    return steps


def chains(cell, W, steps, samples, times, lags, jacobian=full_jacobian):
    """Yields (i, some, Part): for lag number i the factors and the products of a slice of its pairs.

    `samples` and `times` (member, lag, pair), NumPy, from `draw_pairs`; `steps` from `by_step`. Pairs that end where
    those of the longest lag do are parts of its chain.
    """
    last, pairs = int(np.argmax(lags)), times.shape[-1]

    def chain(i, some, lags):
        chosen = (like(steps, x[:, i, some]) for x in (samples, times))
        return Chain(cell, W, steps, *chosen, tuple(lags), jacobian)

    longest = chain(last, slice(None), lags)
    for i, lag in enumerate(lags):
        (apart,) = np.nonzero((times[:, i] != times[:, last]).any(axis=0))
        own, shared = slice(0, apart.max(initial=-1) + 1), slice(apart.max(initial=-1) + 1, pairs)
        if own.stop:
            yield i, own, Part(chain(i, own, [lag]), lag, slice(None))
        if own.stop < pairs:
            yield i, shared, Part(longest, lag, shared)


@dataclass(frozen=True)
class Chain:
    """Chains of Jacobians that end at chosen (sample, t), (member, pair) each; what is asked for is computed once."""

    cell: object
    W: object
    steps: object
    samples: object
    times: object
    lags: tuple
    jacobian: Callable

    @cached_property
    def J(self):
        """The factors (h, member, pair, H, H) of the longest of the lags."""
        return jacobian_chain(self.cell, self.W, self.steps, self.samples, self.times, max(self.lags), self.jacobian)

    @cached_property
    def products(self):
        """{lag: the last factors' product}, Formed (member, pair, H, H)."""
        if not has_terms(self.cell, self.W) or self.jacobian is not full_jacobian:
            return formed_to_the_end(self.J, self.lags)
        z = np.stack(list(chain_inputs(self.steps, self.samples, self.times, max(self.lags))))
        kept, scales, matrices = terms_in_rows(self.cell, self.W, z)
        return formed_of_terms(np.swapaxes(kept, 1, 2), np.swapaxes(scales, 1, 2), matrices, self.lags)


class Part(NamedTuple):
    """The last factors of some of the pairs of a Chain."""

    chain: Chain
    lag: int
    pairs: slice

    @property
    def J(self):
        """The factors (h, member, some, H, H)."""
        return self.chain.J[-self.lag :, :, self.pairs, ...]

    @property
    def product(self):
        """Their product, Formed (member, some, H, H)."""
        return Formed(*(part[:, self.pairs, ...] for part in self.chain.products[self.lag]))


def jacobian_chain(cell, W, steps, samples, times, lag, jacobian=full_jacobian):
    """J_{t-h+1}, ..., J_t along the first axis for chosen (sample, t), (member, pair) each: (h, member, pair, H, H).

    `steps` from `by_step`.
    """
    z = namespace(steps).stack(list(chain_inputs(steps, samples, times, lag)))
    if jacobian is full_jacobian:
        return full_jacobians(cell, W, z)
    return namespace(z).stack([jacobian(cell, W, z[t, ...]) for t in range(lag)])


def full_jacobians(cell, W, z):
    """J_t = A_t + B_t (step, member, batch, H, H) at z (step, member, H + n, batch), as `full_jacobian`.

    By compiled code, where the cell's Jacobian has terms: each is then made in one pass.
    """
    if not has_terms(cell, W):
        return namespace(z).stack([full_jacobian(cell, W, z[t, ...]) for t in range(z.shape[0])])
    kept, scales, matrices = terms_in_rows(cell, W, z)
    J = np.empty((*kept.shape, cell.units))
    for m in range(len(J)):
        fill_factors(kept[m], scales[m], matrices[m], J[m])
    return np.moveaxis(J, 1, 0)


def has_terms(cell, W):
    """Whether compiled code makes the Jacobians of this cell with these weights."""
    return isinstance(W, np.ndarray) and W.dtype == np.float64 and isinstance(cell, CellOfTerms)


def terms_in_rows(cell, W, z):
    """kept (member, step, batch, H), scales (member, step, batch, k, H) and matrices (member, k, H, H) of J_t, NumPy.

    J_t = diag(kept) + sum_k diag(scale_k) M_k at z (step, member, H + n, batch).
    """
    (T, members, rows, batch), H = z.shape, cell.units
    kept, scales, matrices = cell.jacobian_terms(W, np.moveaxis(z, 0, 2).reshape(members, rows, T * batch))

    def in_rows(x):
        x = np.broadcast_to(x, (members, H, T * batch))  # a gate for all units has one row
        return np.ascontiguousarray(x.mT).reshape(members, T, batch, H)

    scales = np.stack([in_rows(scale) for scale in scales], axis=3)
    return in_rows(kept), scales, np.stack([np.broadcast_to(M, (members, H, H)) for M in matrices], axis=1)


def chain_inputs(steps, samples, times, lag):
    """z_{t-h+1}, ..., z_t for chosen (sample, t): `lag` arrays (member, H + n, pair)."""
    xp = namespace(steps)
    members, T, batch, rows = steps.shape
    steps = xp.reshape(steps, (members, T * batch, rows))
    # z_t is the element t - 1 of z.
    first = ((times - lag) * batch + samples)[:, :, None]
    for j in range(lag):
        yield xp.matrix_transpose(xp.take_along_axis(steps, first + j * batch, axis=1))


def jacobian_products_to_the_end(cell, W, z):
    """Yields Phi_{T,T-h} over h = 0..T-1 as Scaled (member, sample, H, H)."""
    T, members, _, samples = z.shape
    H = cell.state_size
    Phi = scaled(namespace(z).broadcast_to(identity(z, H), (members, samples, H, H)))
    yield Phi
    for t in range(T - 1, 0, -1):
        Phi = shifted(Phi.values @ full_jacobians(cell, W, z[t : t + 1, ...])[0, ...], Phi.exponent)
        yield Phi
