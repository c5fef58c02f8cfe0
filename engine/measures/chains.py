"""Chains of Jacobians J_{t-h+1}, ..., J_t, the factors of Phi_{t,t-h}: for chosen pairs (sample, t), or up to T."""

import numpy as np

from engine.common.backend import identity, like, namespace, zeros
from engine.common.seeding import stream
from engine.network.unroll import full_jacobian
from engine.products.scaled import scaled, shifted


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


def chains(cell, W, steps, samples, times, lags, jacobian=full_jacobian, longest=None):
    """Yields (i, some, J): for lag number i the J (h, member, some, H, H) of a slice of its pairs.

    `samples` and `times` (member, lag, pair), NumPy, from `draw_pairs`; `steps` from `by_step`. Parts of the chain of
    the longest lag, `longest` if it is known, are not computed again; their slice has no stop.
    """
    if longest is None:
        longest = longest_chain(cell, W, steps, samples, times, lags, jacobian)
    for i, lag in enumerate(lags):
        (apart,) = np.nonzero((times[:, i] != times[:, np.argmax(lags)]).any(axis=0))
        own, shared = slice(0, apart.max(initial=-1) + 1), slice(apart.max(initial=-1) + 1, None)
        if own.stop:
            chosen = (like(steps, x[:, i, own]) for x in (samples, times))
            yield i, own, jacobian_chain(cell, W, steps, *chosen, lag, jacobian)
        if own.stop < times.shape[-1]:
            yield i, shared, longest[-lag:, :, shared, ...]


def longest_chain(cell, W, steps, samples, times, lags, jacobian=full_jacobian):
    """The J (h, member, pair, H, H) of the longest lag."""
    last = int(np.argmax(lags))
    return jacobian_chain(cell, W, steps, *(like(steps, x[:, last]) for x in (samples, times)), lags[last], jacobian)


def jacobian_chain(cell, W, steps, samples, times, lag, jacobian=full_jacobian):
    """J_{t-h+1}, ..., J_t along the first axis for chosen (sample, t), (member, pair) each: (h, member, pair, H, H).

    `steps` from `by_step`.
    """
    return namespace(steps).stack([jacobian(cell, W, z) for z in chain_inputs(steps, samples, times, lag)])


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
        Phi = shifted(Phi.values @ full_jacobian(cell, W, z[t, ...]), Phi.exponent)
        yield Phi
