"""[LYA.spectrum] Lyapunov exponents: the limit of long lags, along a network's inputs or without any."""

import logging
from itertools import islice, repeat

import numpy as np

from engine.common.backend import CPU, like, namespace, to_host, zeros
from engine.common.blocks import ends_of_blocks, jackknife_error
from engine.common.quantity import Quantity
from engine.common.seeding import stream
from engine.measures.chains import full_jacobians
from engine.measures.each import measure_each
from engine.measures.runs import run
from engine.network.ensemble import Networks
from engine.network.unroll import Parameters, with_constant
from engine.products.growth_rates import growth_rates, random_directions

log = logging.getLogger(__name__)

TITLE = "Lyapunov exponents"
BY_EXPONENT, BY_NETWORK = "seed checkpoint exponent", "seed checkpoint"
RATE = "1 / time step"
QUANTITIES = {
    "lyapunov_exponent": Quantity(BY_EXPONENT, "Lyapunov exponent, the largest first", "[LYA.spectrum]", RATE),
    "lyapunov_exponent_error": Quantity(BY_EXPONENT, "standard error of the exponent", "[LYA.spectrum]", RATE),
    "leading_exponent_by_time": Quantity(
        "seed checkpoint step", "largest exponent from the steps up to t", "[LYA.spectrum]", RATE
    ),
    "dimension": Quantity(BY_NETWORK, "Kaplan-Yorke dimension", "[LYA.dimension]"),
    "dimension_error": Quantity(BY_NETWORK, "standard error of the dimension", "[LYA.dimension]"),
    "entropy": Quantity(BY_NETWORK, "sum of the positive exponents", "[LYA.entropy]", RATE),
    "entropy_error": Quantity(BY_NETWORK, "standard error of the entropy", "[LYA.entropy]", RATE),
}
IN_CACHE, MOST_TOGETHER = 2**16, 16  # entries, and steps, of Jacobians that are computed together
SMALL_SHARE, SMALL_ERROR = 0.05, 1e-3  # a standard error is small by either, of the exponent or in itself


def coordinates(networks, *, T, transient, blocks, exponents=None, **_):
    """{dimension: values} of QUANTITIES."""
    return {
        "seed": networks.seeds,
        "checkpoint": networks.checkpoints,
        "exponent": range(1, 1 + directions_of(networks.cell, exponents)),
        "step": ends_of_blocks(T, transient, blocks)[1:],
    }


def measure(networks, task, *, T, samples, device=CPU, members_per_pass=None, **protocol):
    """All QUANTITIES along `samples` sequences of T steps of a task; see `spectrum` for the `protocol`."""
    cell = networks.cell

    def driven(parameters, seeds):
        on = {"purpose": "lyapunov", "T": T, "batch": samples, "device": device}
        z, H = run(networks, parameters, task, seeds, **on)[0].z, cell.state_size
        return spectrum(cell, parameters.W, z[0, :, :H, :], (z[t, :, H:, :] for t in range(T)), T=T, **protocol)

    return measured(networks, driven, f"{task} {cell.name}", device, members_per_pass)


def measure_autonomous(networks, *, device=CPU, members_per_pass=None, **protocol):
    """All QUANTITIES without input, from one state drawn from N(0, 1); see `spectrum` for the `protocol`."""
    cell = networks.cell

    def autonomous(parameters, seeds):
        x = np.stack([stream(seed, "lyapunov", "state").normal(size=(cell.state_size, 1)) for seed in seeds])
        x = device.move(x)
        u = with_constant(cell, zeros(x, 1, len(seeds), cell.inputs, 1))
        return spectrum(cell, parameters.W, x, repeat(u[0, ...]), **protocol)

    return measured(networks, autonomous, f"{cell.name} without input", device, members_per_pass)


def measured(networks, measure_some, title, device, members_per_pass):
    """All QUANTITIES of each network, and a warning where one of the largest exponents is uncertain."""
    title = f"{title}: Lyapunov exponents"
    found = measure_each(networks, measure_some, title, device=device, members_per_pass=members_per_pass)
    largest, error = (found[name][..., 0] for name in ("lyapunov_exponent", "lyapunov_exponent_error"))
    large = error > np.maximum(SMALL_SHARE * np.abs(largest), SMALL_ERROR)
    if large.any():
        of = f"{large.sum()} of {large.size} networks"
        uncertain = f"{title}: standard errors of the largest exponent to {error[large].max():.2g} in {of}"
        log.warning("%s: longer sequences make them smaller", uncertain)
    return found


def random_networks(cell, seeds, gain):
    """Untrained Networks, one a seed, with weights from N(0, gain^2 / H)."""
    scale = gain * cell.units**-0.5
    W = np.stack([stream(seed, "lyapunov", "weights").normal(0, scale, cell.shape) for seed in seeds])
    W = cell.pack(cell.unpack(W))  # entries that are no weights are 0
    return Networks(cell, Parameters(W[None], np.zeros((1, len(seeds), 1, cell.units))), tuple(seeds), (0,))


def spectrum(cell, W, x, inputs, *, T, transient, blocks, exponents=None):
    """All QUANTITIES (member, ...), NumPy, from states x (member, state, sample) and `inputs` (member, n, sample).

    `transient` is the share of the T steps that is left out at the start. What remains of each sample is cut into
    `blocks` parts, which count as independent in the standard errors. `exponents`: how many at most.
    """
    first, second, *_ = ends_of_blocks(T, transient, blocks).tolist()
    directions = like(x, random_directions(cell.state_size, directions_of(cell, exponents)))
    J = jacobians_along(cell, W, x, inputs)
    rates = growth_rates(J, directions, transient=first, block=second - first, blocks=blocks)
    return summarize(to_host(rates), cell.state_size)


def directions_of(cell, exponents):
    """How many exponents there are, or are asked for."""
    return min(exponents or cell.state_size, cell.state_size)


def jacobians_along(cell, W, x, inputs):
    """Yields J_t (member, sample, H, H) for each u_t (member, n, sample) of `inputs`, from the state x on."""
    xp, steps = namespace(x), read_along(cell, W, x, inputs)
    together = min(max(IN_CACHE // (x.size * cell.state_size), 1), MOST_TOGETHER)
    while some := list(islice(steps, together)):
        J = full_jacobians(cell, W, xp.stack(some))
        yield from (J[t, ...] for t in range(len(some)))


def read_along(cell, W, x, inputs):
    """Yields what the cell reads, z_t = [x_{t-1}; u_t]."""
    for u in inputs:
        z = namespace(x).concat([x, u], axis=1)
        yield z
        x, _ = cell.step(W, z)


def summarize(rates, size):
    """QUANTITIES (member, ...) from growth rates (block, member, sample, exponent) in a state of `size`, NumPy."""
    order = np.argsort(-rates.mean(axis=(0, 2)), axis=-1)  # exponents that are all but equal may come in any order
    rates = np.take_along_axis(rates, order[None, :, None, :], axis=-1)
    parts = np.swapaxes(rates, 1, 2).reshape(-1, *order.shape)
    by_time = rates[..., 0].mean(axis=-1).cumsum(axis=0) / np.arange(1, 1 + len(rates))[:, None]
    found = {"leading_exponent_by_time": by_time.T}
    for name, statistic in {"lyapunov_exponent": lambda x, _: x, "dimension": dimension, "entropy": entropy}.items():
        found[name], found[f"{name}_error"] = jackknife_error(lambda x, of=statistic: of(x, size), parts)
    return found


def dimension(exponents, size):
    """[LYA.dimension] from exponents (..., k), in falling order.

    NaN where more than k exponents are needed, and there are more.
    """
    sums = np.cumsum(exponents, axis=-1)
    whole = (sums >= 0).sum(axis=-1, keepdims=True)  # the largest number of exponents whose sum is not negative
    k = exponents.shape[-1]
    excess = np.where(whole > 0, np.take_along_axis(sums, np.maximum(whole - 1, 0), axis=-1), 0.0)
    following = np.take_along_axis(exponents, np.minimum(whole, k - 1), axis=-1)
    share = np.divide(excess, -following, out=np.zeros_like(excess), where=excess > 0)
    found = np.where(whole < k, whole + share, k if k == size else np.nan)
    return found[..., 0]


def entropy(exponents, size):
    """[LYA.entropy] from exponents (..., k), in falling order; NaN where all are positive, and there are more."""
    positive = np.where(exponents > 0, exponents, 0).sum(axis=-1)
    known = (exponents.shape[-1] == size) | ~(exponents[..., -1] > 0)
    return np.where(known, positive, np.nan)
