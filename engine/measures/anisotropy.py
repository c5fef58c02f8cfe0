"""Joint anisotropy of the propagation of states and of the updates of parameters (Figures 6 to 10)."""

from functools import partial

import numpy as np

from engine.common.backend import CPU, to_host
from engine.common.quantity import Quantity
from engine.common.statistics import log_median
from engine.measures.chains import by_step, chains, draw_pairs
from engine.measures.each import measure_each
from engine.measures.gradient_spectrum import flat_rows, gradient_spectrum
from engine.measures.runs import drawn, in_blocks, run
from engine.network.samples import per_sample_gradients
from engine.products.singular_values import RELATIVE_ERROR, log_frobenius_norm, log_values
from engine.tasks import make_task

TITLE = "Anisotropy of propagation and updates"
BY_LAG = "seed checkpoint lag"
BY_NETWORK = "seed checkpoint"
QUANTITIES = {
    "jacobian_anisotropy": Quantity(
        BY_LAG, "median over pairs of AI = s_1 / s_r of Phi_{t,t-h}; infinite where it is not resolved", "[ANI.J]"
    ),
    "jacobian_energy": Quantity(BY_LAG, "median over pairs of CE, the share of s_1..s_r in sum s_i^2", "[ANI.J]"),
    "unresolved_pairs": Quantity(BY_LAG, "pairs whose s_r double precision does not resolve", "[ANI.J]"),
    "log_singular_values": Quantity(f"{BY_LAG} rank", "log of the median over pairs of s_i of Phi_{t,t-h}", "[ANI.J]"),
    "gradient_anisotropy": Quantity(BY_NETWORK, "AI = s_1 / s_r of the per-sample gradients", "[ANI.G]"),
    "gradient_energy": Quantity(BY_NETWORK, "CE, the share of s_1..s_r in sum s_i^2", "[ANI.G]"),
    "samples_without_gradient": Quantity(BY_NETWORK, "samples left out, since their gradient is 0", "[ANI.G]"),
    "gradient_singular_values": Quantity(
        f"{BY_NETWORK} gradient_rank", "singular values s_i of the per-sample gradients", "[ANI.G]"
    ),
    "pair_sample": Quantity("seed lag pair", "sample of the probe batch, counted from 0", "[ANI.J]", dtype="i4"),
    "pair_time": Quantity("seed lag pair", "time t of Phi_{t,t-h}", "[ANI.J]", units="time step", dtype="i4"),
}

HELD = 2**27  # numbers, one gigabyte


def coordinates(networks, *, lags, pairs, gradients, **_):
    """{dimension: values} of QUANTITIES."""
    cell, (W, W_o) = networks.cell, networks.parameters
    parameters = W[0, 0].size + W_o[0, 0].size  # those of W that are no weights have gradient 0
    return {
        "seed": networks.seeds,
        "checkpoint": networks.checkpoints,
        "lag": lags,
        "pair": range(pairs),
        "rank": range(1, cell.state_size + 1),
        "gradient_rank": range(1, min(gradients, parameters) + 1),
    }


def measure(
    networks,
    task,
    *,
    T,
    probe_batch,
    lags,
    pairs,
    r,
    gradients,
    device=CPU,
    members_per_pass=None,
    pairs_per_pass=None,
):
    """All QUANTITIES; NaN if double precision cannot resolve a value.

    A seed has one probe batch, one set of pairs (sample, t) for each lag and one batch of samples for the gradients:
    the same for every cell, optimizer and checkpoint. With gradients = 0 there is nothing of updates.
    """
    pairs_per_pass = pairs_per_pass or device.per_pass(pairs_at_once(networks.cell, lags), pairs)
    samples_per_pass = device.per_pass(32, gradients)  # what a step has then fits in cache
    cell = networks.cell
    chosen = {seed: draw_pairs(seed, lags, pairs, T, probe_batch) for seed in networks.seeds}

    def anisotropies(parameters, seeds):
        trajectory, _ = run(networks, parameters, task, seeds, T=T, batch=probe_batch, device=device)
        steps = by_step(trajectory.z)
        samples, times = (np.stack(parts) for parts in zip(*(chosen[seed] for seed in seeds), strict=True))
        log_s, log_norms = [[] for _ in lags], [[] for _ in lags]
        for first in range(0, pairs, pairs_per_pass):
            block = slice(first, min(first + pairs_per_pass, pairs))
            for i, _, part in chains(cell, parameters.W, steps, samples[..., block], times[..., block], lags):
                log_s[i].append(to_host(log_values(part.product, r, lambda part=part: part.J)))
                log_norms[i].append(to_host(log_frobenius_norm(part.product)))
        of_lags = zip(log_s, log_norms, strict=True)
        found = [propagation(*(np.concatenate(x, axis=1) for x in parts), r) for parts in of_lags]
        by_lag = {name: np.stack([part[name] for part in found], axis=1) for name in found[0]}
        if not gradients:
            return by_lag
        gradient = partial(per_sample_gradients, cell, parameters, loss=make_task(task).loss)
        sequences = drawn(networks, task, seeds, "gradient", T=T, batch=gradients, device=device)
        rows = (flat_rows(gradient(u, y, **start)) for u, y, start in in_blocks(*sequences, samples_per_pass))
        return by_lag | updates(*(to_host(x) for x in gradient_spectrum(rows, r)), r)

    title = f"{task} {cell.name}: anisotropy"
    found = measure_each(networks, anisotropies, title, device=device, members_per_pass=members_per_pass)
    found["pair_sample"], found["pair_time"] = (
        np.stack(part) for part in zip(*(chosen[seed] for seed in networks.seeds), strict=True)
    )
    return found


def pairs_at_once(cell, lags):
    """Pairs of a pass on the host: the Jacobians of a step of theirs fit in cache, and all of them in HELD numbers."""
    return max(1, min(16, HELD // (max(lags) * cell.state_size**2)))


def propagation(log_s, log_norm, r):
    """[ANI.J] medians over pairs from log s_i (member, pair, rank), NaN if not resolved, and log ||Phi||_F; NumPy.

    A median is resolved if it is the same wherever the values that are not may lie. Otherwise AI is infinite, and
    log s_i is NaN. If most products are 0, AI is NaN.
    """
    smallest, largest = bounds(log_s)
    with np.errstate(invalid="ignore"):  # a product that is 0 has no ratio
        ratios = smallest[..., 0] - largest[..., r - 1], largest[..., 0] - smallest[..., r - 1]
        unresolved = np.isnan(log_s[..., 0] - log_s[..., r - 1])
    log_AI = sure_log_median(*(np.where(np.isnan(ratio), np.inf, ratio) for ratio in ratios))
    log_median_s = sure_log_median(smallest, largest)
    AI = np.exp(np.where(np.isnan(log_AI), np.inf, log_AI))
    return {
        "jacobian_anisotropy": np.where(np.isfinite(log_median_s[:, 0]), AI, np.nan),
        "jacobian_energy": np.median(energy(log_s, log_norm, r), axis=1),
        "unresolved_pairs": unresolved.sum(axis=1).astype(float),
        "log_singular_values": np.where(np.isinf(log_median_s), np.nan, log_median_s),
    }


def bounds(log_s):
    """The smallest and the largest that log s_i (..., rank) can be, NumPy: where it is NaN, those of its neighbours."""
    unknown = np.isnan(log_s)
    above = np.minimum.accumulate(np.where(unknown, np.inf, log_s), axis=-1)
    below = np.maximum.accumulate(np.where(unknown, -np.inf, log_s)[..., ::-1], axis=-1)[..., ::-1]
    return np.where(unknown, below, log_s), np.where(unknown, above, log_s)


def sure_log_median(smallest, largest):
    """log median over pairs, axis 1, of values between these bounds; NaN if it depends on where they lie."""
    low, high = (log_median(x, axis=1) for x in (smallest, largest))
    with np.errstate(invalid="ignore"):
        return np.where((low == high) | (high - low < RELATIVE_ERROR), low, np.nan)


def energy(log_s, log_norm, r):
    """CE_r from log s_i (..., rank) and log ||Phi||_F (...), NumPy. NaN if all s_i are 0.

    Of s_1..s_r those that are not resolved are left out, small beside s_1.
    """
    with np.errstate(invalid="ignore"):
        shares = np.exp(2 * (log_s[..., :r] - log_norm[..., None]))
    return np.where(np.isneginf(log_norm), np.nan, np.nan_to_num(shares).sum(axis=-1))


def updates(s, total_energy, without_gradient, r):
    """[ANI.G] from the singular values (member, rank), their total energy and the samples left out, NumPy."""
    return {
        "gradient_anisotropy": s[:, 0] / s[:, r - 1],
        "gradient_energy": (s[:, :r] ** 2).sum(axis=1) / total_energy,
        "samples_without_gradient": without_gradient,
        "gradient_singular_values": s,
    }
