"""Departures of the author's released code from the definitions, one at a time (docs/differences.md).

Each departure is a function beside `exact` that changes one thing, on the same trained networks and the same pairs
(sample, t) as engine.measures.anisotropy. Here are the statistics of single products; engine.measures.differences_slope
has the fit over all of them.
"""

from dataclasses import dataclass
from functools import cached_property
from typing import NamedTuple

import numpy as np

from engine.cells.cell import per_sample
from engine.common import safe
from engine.common.backend import CPU, namespace, to_host
from engine.common.quantity import Quantity
from engine.common.seeding import stream
from engine.common.statistics import log_median
from engine.measures.anisotropy import energy
from engine.measures.chains import by_step, chains, draw_pairs
from engine.measures.each import measure_each
from engine.measures.runs import run
from engine.products.linalg import singular_values
from engine.products.scaled import LOG_2, product
from engine.products.singular_values import formed, log_frobenius_norm, log_values

TITLE = "Definitions and departures of the released code"
BY_LAG = "seed checkpoint departure lag"
QUANTITIES = {
    "log_sensitivity": Quantity(BY_LAG, "log of the median over pairs of S = ||Phi_{t,t-h}||_2", "[ELR.S]"),
    "jacobian_anisotropy": Quantity(BY_LAG, "median over pairs of AI = s_1 / s_r", "[ANI.J]"),
    "jacobian_energy": Quantity(BY_LAG, "median over pairs of CE, the share of s_1..s_r", "[ANI.J]"),
}

POWER_STEPS = 5
LEADING = 16
GUARD = 1e-12
JITTER = 1e-6  # of the inputs, between the repeated batches


@dataclass(frozen=True)
class Chain:
    """The factors of Phi_{t,t-h} for chosen pairs, the first step first, and further inputs of the departures."""

    J: object  # (h, member, pair, H, H)
    shifted: object  # the same with B_t of `shifted_jacobian`; None if B_t = 0
    start: object  # a vector for power iteration, (member, pair, H, 1)
    r: int

    @cached_property
    def spectrum(self):
        """`spectrum` of Phi, as in the anisotropy."""
        return spectrum(self.J, self.r)


class Statistics(NamedTuple):
    """Statistics of Phi, each (member, pair), NumPy."""

    log_sensitivity: np.ndarray
    log_anisotropy: np.ndarray
    energy: np.ndarray


def spectrum(J, r):
    """Log singular values (member, pair, rank) and log ||Phi||_F (member, pair) of a product, NumPy."""
    whole = formed(J)
    return to_host(log_values(whole, r, lambda: J)), to_host(log_frobenius_norm(whole))


def statistics(log_s, log_norm, r):
    """Norm, AI_r and CE_r from log singular values (member, pair, rank) and log ||Phi||_F (member, pair)."""
    with np.errstate(invalid="ignore"):  # a product that is 0 has no ratio
        return Statistics(log_s[..., 0], log_s[..., 0] - log_s[..., r - 1], energy(log_s, log_norm, r))


def log_root_of_squares(log_s):
    """log of the root of the sum of s_i^2 (...) from log s_i (..., rank), without those that are NaN."""
    with np.errstate(invalid="ignore"):  # all are 0
        return safe.log_norm(np.nan_to_num(np.exp(log_s - log_s[..., :1]))) + log_s[..., 0]


def exact(chain):
    """The definitions."""
    return statistics(*chain.spectrum, chain.r)


def shifted_state(chain):
    """x_t instead of x_{t-1} in the gate's term of J_t."""
    if chain.shifted is None:
        return exact(chain)
    return statistics(*spectrum(chain.shifted, chain.r), chain.r)


def reversed_order(chain):
    """J_{t-h+1} ... J_t: later factors on the right."""
    return statistics(*spectrum(namespace(chain.J).flip(chain.J, axis=0), chain.r), chain.r)


def power_iteration(chain):
    """||Phi v|| after five steps v <- Phi v / ||Phi v|| as the norm.

    Without a step of Phi^T, v converges to eigenvectors of the largest |eigenvalue|, not to the direction of s_1.
    """
    return exact(chain)._replace(log_sensitivity=to_host(log_power_norm(product(chain.J), chain.start)))


def leading_energy(chain):
    """CE with the first 16 singular values in the denominator."""
    leading = chain.spectrum[0][..., :LEADING]
    return exact(chain)._replace(energy=energy(leading, log_root_of_squares(leading), chain.r))


def float32_products(chain):
    """Products and their singular values in float32."""
    xp = namespace(chain.J)
    factors = xp.astype(chain.J, xp.float32)
    product = factors[0, ...]
    for step in range(1, factors.shape[0]):
        product = factors[step, ...] @ product
    s = to_host(singular_values(product))
    with np.errstate(divide="ignore"):  # values that underflow in float32 are 0
        log_s = np.log(s.astype(np.float64))
    return statistics(log_s, log_root_of_squares(log_s), chain.r)


def guarded_ratios(chain):
    """s_1 / (s_r + 1e-12), and the same guard in the denominator of CE."""
    log_s, r = chain.spectrum[0], chain.r
    s = np.exp(np.nan_to_num(log_s, nan=-np.inf))
    with np.errstate(divide="ignore"):
        log_anisotropy = np.log(s[..., 0] / (s[..., r - 1] + GUARD))
    shares = (s[..., :r] ** 2).sum(axis=-1) / ((s**2).sum(axis=-1) + GUARD)
    return Statistics(log_s[..., 0], log_anisotropy, shares)


DEPARTURES = {
    f.__name__: f
    for f in (exact, shifted_state, reversed_order, power_iteration, leading_energy, float32_products, guarded_ratios)
}


def coordinates(networks, *, lags, **_):
    """{dimension: values} of QUANTITIES."""
    return {"seed": networks.seeds, "checkpoint": networks.checkpoints, "lag": lags, "departure": list(DEPARTURES)}


def measure(networks, task, *, T, probe_batch, lags, pairs, r, device=CPU, members_per_pass=None, pairs_per_pass=None):
    """QUANTITIES for each of DEPARTURES, in their order; a quantity that a departure does not change equals `exact`."""
    pairs_per_pass = pairs_per_pass or device.per_pass(16, pairs)  # as in the anisotropy
    cell = networks.cell

    def departures(parameters, seeds):
        trajectory, _ = run(networks, parameters, task, seeds, T=T, batch=probe_batch, device=device)
        steps = by_step(trajectory.z)
        drawn = [draw_pairs(seed, lags, pairs, T, probe_batch) for seed in seeds]
        samples, times = (np.stack(parts) for parts in zip(*drawn, strict=True))
        start = start_vectors(seeds, pairs, cell.state_size)
        found = [[] for _ in lags]
        for first in range(0, pairs, pairs_per_pass):
            block = slice(first, first + pairs_per_pass)
            chosen = cell, parameters.W, steps, samples[..., block], times[..., block], lags
            for i, some, J, shifted in chains_of_both(*chosen):
                chain = Chain(J, shifted, device.move(start[:, block][:, some]), r)
                found[i].append([departure(chain) for departure in DEPARTURES.values()])
        by_lag = [[medians(parts) for parts in zip(*blocks, strict=True)] for blocks in found]
        by_statistic = np.transpose(np.array(by_lag), (2, 3, 1, 0))  # from (lag, departure, statistic, member)
        return dict(zip(QUANTITIES, by_statistic, strict=True))

    title = f"{task} {cell.name}: differences"
    return measure_each(networks, departures, title, device=device, members_per_pass=members_per_pass)


def chains_of_both(cell, *chosen):
    """Yields (i, some, J, J by `shifted_jacobian`) of `chains`; the last is None if B_t = 0."""
    exactly = chains(cell, *chosen)
    if not cell.gate_reacts:
        yield from ((i, some, part.J, None) for i, some, part in exactly)
        return
    for (i, some, part), (_, _, shifted) in zip(exactly, chains(cell, *chosen, shifted_jacobian), strict=True):
        yield i, some, part.J, shifted.J


def shifted_jacobian(cell, W, z):
    """J_t with x_t for x_{t-1} in B_t: phi - x_t = (1 - g_t)(phi - x_{t-1}), so that B_t shrinks by 1 - g_t."""
    A, B = cell.step_jacobian(W, z)
    return A + per_sample(namespace(W).exp(cell.log_gates(W, z)[1])) * B


def start_vectors(seeds, count, H):
    """Start of power iteration, N(0, 1), (member, count, H, 1)."""
    return np.stack([stream(seed, "differences", "start").normal(size=(count, H, 1)) for seed in seeds])


def medians(parts):
    """Medians over the pairs of all parts (Statistics) of log S, AI and CE, (statistic, member).

    A ratio that is not resolved counts as infinite.
    """
    log_S, log_ratio, share = (np.concatenate(part, axis=1) for part in zip(*parts, strict=True))
    log_AI = log_median(np.nan_to_num(log_ratio, nan=np.inf, posinf=np.inf, neginf=-np.inf), axis=1)
    log_S = log_median(log_S, axis=1)
    AI = np.where(np.isfinite(log_S), np.exp(log_AI), np.nan)
    return np.stack([log_S, AI, np.median(share, axis=1)])


def log_power_norm(Phi, v):
    """log ||Phi v|| after POWER_STEPS steps v <- Phi v / ||Phi v||, for Scaled Phi (..., H, H) and v (..., H, 1).

    -inf if Phi v is 0.
    """
    xp = namespace(v)
    for _ in range(POWER_STEPS + 1):
        v = Phi.values @ v
        norm = xp.sqrt(xp.sum(v * v, axis=-2, keepdims=True))
        v = v / xp.where(norm > 0, norm, 1)
    return (safe.log(norm) + Phi.exponent * LOG_2)[..., 0, 0]
