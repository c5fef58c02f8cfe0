"""Products along drawn pairs (sample, t), each with all of its lags h < t, where all pairs (t, k) are too many.

The times t are spread evenly over 2..T, so that of all pairs (t, k) the same share is taken at every lag. From t one
step after the other is multiplied on the right, and nothing is held but the product of the last step.
"""

import numpy as np

from engine.common import safe
from engine.common.backend import identity, like, namespace
from engine.common.seeding import stream
from engine.common.statistics import log_mean, quantiles
from engine.measures.chains import by_step
from engine.measures.unit_rates import means_by_lag
from engine.network.unroll import full_jacobian
from engine.products.scaled import LOG_2, scaled, shifted
from engine.products.spectral_norms import spectral_norm_by_lanczos

FEWEST = 5  # pairs of a lag for which the standard error of their median is given


def draw_ends(seeds, pairs, T, batch):
    """Samples 0..batch-1 (member, pair) and times T..2 (pair,), which fall; NumPy. Each sample as often as another."""
    rngs = [stream(seed, "effective_lr", "pairs") for seed in seeds]
    samples = [np.concatenate([rng.permutation(batch) for _ in range(-(-pairs // batch))])[:pairs] for rng in rngs]
    return np.stack(samples), T - np.arange(pairs) * (T - 1) // pairs


class DrawnPairs:
    """As many drawn pairs of each seed as are asked for, and what is found along them."""

    def __init__(self, networks, pairs, T, batch, device):
        self.cell, self.seeds, self.per_pass = networks.cell, networks.seeds, device.per_pass(16, pairs)
        self.samples, self.times = draw_ends(networks.seeds, pairs, T, batch)
        self.drawn = {"pair_sample": self.samples, "pair_time": self.times}

    def along(self, advance, W, z, seeds):
        samples = self.samples[[self.seeds.index(seed) for seed in seeds]]
        return along(z, samples, self.times, advance(self.cell, W), self.per_pass)

    def sensitivities(self, W, z, seeds):
        """{name: values (pair, member, 1, ...)} of the medians by lag, and the lag of each pair, NumPy."""
        (log_S, P0, R0, by_unit), lag = self.along(sensitivities, W, z, seeds)
        found = {"log_sensitivity": log_S, "log_gate_product": P0, "log_retention_product": R0}
        return found | ({"log_unit_gate_product": by_unit} if self.cell.gate_for_each_unit else {}), lag

    def first_order_norms(self, W, z, seeds):
        """log norms (pair, member, 1) of the two predictors, and the lag of each pair, NumPy."""
        return self.along(first_order_norms, W, z, seeds)

    def unit_means(self, W, z, seeds):
        """As `engine.measures.unit_rates.means_of_all`, of the drawn pairs."""
        values, lag = self.along(unit_products, W, z, seeds)
        return [means_by_lag(part, lag) for part in values]


def steps_back(steps, samples, times):
    """Yields z_{t-h+1} (member, H + n, some) for h = 1, 2, ..., of the first pairs, those with t > h.

    `steps` from `engine.measures.chains.by_step`.
    """
    xp, (members, T, batch, rows) = namespace(steps), steps.shape
    steps, last = xp.reshape(steps, (members, T * batch, rows)), (times - 1) * batch + samples
    for h in range(1, times[0]):
        place = last[:, times > h] - (h - 1) * batch
        yield xp.matrix_transpose(xp.take_along_axis(steps, like(steps, place)[:, :, None], axis=1))


def along(z, samples, times, advance, pairs_per_pass):
    """What `advance` finds at every lag of all pairs, each (lag and pair, member, 1, ...); and the lags, NumPy.

    `advance(carried, z)` goes one step back: from a tuple of arrays (member, pair, ...), None at first, to the next
    one, and to a tuple of what is found.
    """
    xp, steps, lags, found = namespace(z), by_step(z), [], []
    for first in range(0, len(times), pairs_per_pass):
        block, carried = slice(first, first + pairs_per_pass), None
        for h, z_h in enumerate(steps_back(steps, samples[:, block], times[block]), start=1):
            some = z_h.shape[2]
            carried = carried and [part[:, :some, ...] for part in carried]
            carried, values = advance(carried, z_h)
            found.append(values)
            lags.append(np.full(some, h))
    joined = (xp.concat(parts, axis=1) for parts in zip(*found, strict=True))
    return [xp.moveaxis(part[:, :, None, ...], 0, 1) for part in joined], np.concatenate(lags)


def sensitivities(cell, W):
    """An `advance` of `along`: log S [ELR.S], log P0 [ELR.P0], log R0 [ELR.R0], and log P0 of each unit."""

    def advance(carried, z):
        J = full_jacobian(cell, W, z)
        log_g, log_r = map(namespace(z).matrix_transpose, cell.log_gates(W, z))
        if carried is None:
            Phi = scaled(J)
        else:
            values, exponent, g_before, r_before = carried
            Phi, log_g, log_r = shifted(values @ J, exponent), g_before + log_g, r_before + log_r
        return (*Phi, log_g, log_r), (log_norm(Phi), log_mean(log_g, axis=-1), log_mean(log_r, axis=-1), log_g)

    return advance


def first_order_norms(cell, W):
    """An `advance` of `along`: log ||F|| [ELR.A0] and log ||F + N|| [ELR.A1], N the first-order term of F."""

    def advance(carried, z):
        xp, (A, B) = namespace(z), cell.step_jacobian(W, z)
        if carried is None:
            FN = scaled(xp.concat([A, B], axis=-1))
        else:
            values, exponent = carried
            F, N = values[..., : A.shape[-1]], values[..., A.shape[-1] :]
            FN = shifted(xp.concat([F @ A, F @ B + N @ A], axis=-1), exponent)
        F, N = FN.values[..., : A.shape[-1]], FN.values[..., A.shape[-1] :]
        return tuple(FN), tuple(log_norm(shifted(part, FN.exponent)) for part in (F, F + N))

    return advance


def unit_products(cell, W):
    """An `advance` of `along`: log |[Phi]_qq| and log |Gamma0 + Gamma1| of each unit q [ELR.diag]."""

    def advance(carried, z):
        xp, J = namespace(z), full_jacobian(cell, W, z)
        diagonal = diagonal_of_units(cell, J)
        r = xp.exp(xp.matrix_transpose(cell.log_gates(W, z)[1])) + xp.zeros_like(diagonal)
        d = diagonal - r
        if carried is None:
            Phi, gamma = scaled(J), scaled(xp.stack([r, d], axis=-1), axes=(-1,))
        else:
            values, exponent, gammas, exponent_of_gammas = carried
            gamma_0, gamma_1 = parts(gammas)
            Phi = shifted(values @ J, exponent)
            gammas = xp.stack([r * gamma_0, r * gamma_1 + d * gamma_0], axis=-1)
            gamma = shifted(gammas, exponent_of_gammas, axes=(-1,))
        exact = safe.log(xp.abs(diagonal_of_units(cell, Phi.values))) + Phi.exponent[..., 0] * LOG_2
        first = safe.log(xp.abs(xp.sum(gamma.values, axis=-1))) + gamma.exponent[..., 0] * LOG_2
        return (*Phi, *gamma), (exact, first)

    return advance


def parts(x):
    """The slices of x along its last axis."""
    return (x[..., i] for i in range(x.shape[-1]))


def diagonal_of_units(cell, J):
    """[J]_qq (member, pair, unit) for the rows of the state that the gates mix."""
    xp = namespace(J)
    diagonal = xp.sum(J * identity(J, J.shape[-1]), axis=-1)
    return xp.take(diagonal, like(J, np.array(cell.memory_rows)), axis=-1)


def log_norm(X):
    """log ||X||_2 (...) of Scaled (..., H, H)."""
    return safe.log(spectral_norm_by_lanczos(X.values)) + X.exponent[..., 0, 0] * LOG_2


def median_errors(log_x, lag):
    """Standard errors (member, lag) of the log medians by lag of log x (pair, member, 1), if pairs are independent.

    Half of the distance between the values whose ranks are one standard deviation of a rank, sqrt(n) / 2, below and
    above the median. NaN for fewer than FEWEST pairs.
    """
    xp = namespace(log_x)

    def error(h):
        x = xp.take(log_x[..., 0], like(log_x, np.flatnonzero(lag == h)), axis=0)
        n = x.shape[0]
        if n < FEWEST:
            return x[0, :] * xp.nan
        low, high = parts(quantiles(xp.matrix_transpose(x), (0.5 - 0.5 / n**0.5, 0.5 + 0.5 / n**0.5)))
        return (high - low) / 2

    return xp.stack([error(h) for h in np.unique(lag)], axis=1)
