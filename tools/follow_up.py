"""Appendix C of the follow-up (arXiv 2512.05790): the envelope f(h) [ELR.diag] of trained networks, two ways.

Setting and definitions are those of its released code, github.com/lorenzolivi/learnability: a squared error at every
step, GRU and LSTM with no other start than orthogonal weights, slopes over log h. One input is always 1, and its
weights are the biases. Other than there, the GRU is PyTorch's [CELL.gru], the f of an LSTM is that of c, as [ELR.diag]
says, the readout has no bias, and the times t are evenly spaced.
"""

import os
from concurrent.futures import ProcessPoolExecutor
from functools import partial
from itertools import product
from multiprocessing import get_context
from typing import NamedTuple

import numpy as np

from engine.cells import make_cell
from engine.common.seeding import stream
from engine.common.statistics import line_fit, rank_correlation
from engine.losses.squared_error import SquaredError
from engine.measures.unit_rates import diagonal_parts
from engine.network.gradient import gradient_function
from engine.network.unroll import Parameters, forward, jacobians
from engine.optimizers import make_optimizer

CELLS = ("lstm", "gru", "multi", "scalar", "leaky")  # the longest trainings first
SEEDS = (42, 123, 271, 314, 999)
RULE, RATE, GATE = make_optimizer("sgd", clip=1.0, weight_decay=1e-4), 1e-3, 0.1
HARMONICS, PERIOD, DELAYS, COEFFICIENTS, NOISE = 5, 50, (5, 20, 50), (1.0, 0.5, 0.25), 0.01
FLOOR = 1e-30  # in the released code f is at least this


class Sizes(NamedTuple):
    """The published sizes."""

    H: int = 64
    channels: int = 8
    T: int = 500
    sequences: int = 256
    batch: int = 32
    epochs: int = 200
    probed: int = 16  # sequences, at
    times: int = 50
    stride: int = 5  # steps between these times
    lags: tuple = (1, 2, 3, 5, 8, 13, 21, 34, 55, 89, 144, 245)


def all_networks(of, seeds=SEEDS, processes=2):
    """{(quantity, cell): its value for each seed} of `network`."""
    jobs, os.environ["OPENBLAS_NUM_THREADS"] = list(product(CELLS, seeds)), "1"
    with ProcessPoolExecutor(processes, mp_context=get_context("spawn")) as pool:
        found = list(pool.map(partial(network, of=of), *zip(*jobs, strict=True)))
    return {
        (quantity, cell): np.array([f[quantity] for (name, _), f in zip(jobs, found, strict=True) if name == cell])
        for quantity, cell in product(found[0], CELLS)
    }


def network(name, seed, of):
    """`agreement` of one trained network, and the same with the FLOOR of the released code."""
    (u, y), (cell, parameters) = data(seed, of), untrained(name, seed, of)
    for _ in training(cell, parameters, u, y, seed, of):
        pass
    f = envelopes(cell, parameters, u, of)
    floored = agreement(np.maximum(f, FLOOR), of.lags)
    return agreement(f, of.lags) | {f"{quantity}, f at least {FLOOR}": x for quantity, x in floored.items()}


def data(seed, of):
    """Inputs u (T, channel + 1, sequence), the last channel 1, and targets y (T, sequence), float32."""
    rng = stream(seed, "follow-up", "data")
    t, k = np.arange(of.T)[:, None, None], np.arange(1, HARMONICS + 1)
    phase = rng.uniform(0, 2 * np.pi, (of.channels, of.sequences, HARMONICS))
    u = np.stack([(np.sin(2 * np.pi * k * t / PERIOD + p) / k).sum(axis=-1) for p in phase], axis=1)
    w = rng.normal(size=of.channels)
    read, y = np.einsum("c,tcs->ts", w / np.linalg.norm(w), u), NOISE * rng.normal(size=(of.T, of.sequences))
    for delay, c in zip(DELAYS, COEFFICIENTS, strict=True):
        y[delay:] += c * np.tanh(read[: max(of.T - delay, 0)])
    return np.concatenate([u, np.ones_like(u[:, :1])], axis=1).astype(np.float32), y.astype(np.float32)


def untrained(name, seed, of):
    """A cell, and its Parameters of one member: orthogonal weights; gates of leaky, scalar and multi are GATE."""
    rng, H, n = stream(seed, "follow-up", name), of.H, of.channels
    cell = make_cell(name, H, n + 1, **({"alpha": GATE} if name == "leaky" else {}))
    weights = {key: np.zeros(view.shape) for key, view in cell.unpack(np.zeros(cell.shape)).items()}
    for gate in dict.fromkeys(key[:-2] for key in weights):
        reads, biases = weights[f"{gate}_i"], weights[f"{gate}_i"][..., n]
        if gate in ("w", "V"):
            biases[...] = np.log(GATE / (1 - GATE))
            continue
        weights[f"{gate}_r"][...], reads[:, :n] = orthogonal(rng, H, H), orthogonal(rng, H, n)
        if name in ("gru", "lstm"):
            biases[...] = rng.uniform(-1, 1, H) / np.sqrt(n)
    W_o = orthogonal(rng, H, 1).T
    return cell, Parameters(cell.pack(weights)[None].astype(np.float32), W_o[None].astype(np.float32))


def orthogonal(rng, rows, columns):
    """A random matrix with orthonormal columns."""
    Q, R = np.linalg.qr(rng.normal(size=(rows, columns)))
    return Q * np.sign(np.diagonal(R))


def training(cell, parameters, u, y, seed, of):
    """Trains `parameters`; yields the loss of every update."""
    gradient = gradient_function(cell, parameters, of.T, of.batch, SquaredError(of.T))
    states = [RULE.start(p) for p in parameters]
    orders = (stream(seed, "follow-up", "order", epoch).permutation(of.sequences) for epoch in range(of.epochs))
    for k, chosen in enumerate(chosen for order in orders for chosen in order.reshape(-1, of.batch)):
        loss, g = gradient(parameters, u.take(chosen, axis=-1)[:, None], y.take(chosen, axis=-1)[None, :, None])
        for p, step in zip(parameters, RULE.step(g, parameters, states, RATE, k), strict=True):
            p += step
        yield loss[0]


def envelopes(cell, parameters, u, of):
    """f (2, lag), exact and to first order: means over the probed sequences and times."""
    W, found = parameters.W.astype(np.float64), []
    for s in range(of.probed):
        z = forward(cell, W, u[:, None, :, s : s + 1].astype(np.float64), keep_tapes=False).z
        J = sum(jacobians(cell, W, z))
        exact = diagonals(J[:, 0, 0], of)[..., cell.memory_rows]
        first = first_orders(*(x[:, 0, 0] for x in diagonal_parts(cell, W, z, J)), of)
        found.append([np.abs(x).sum(axis=-1).mean(axis=-1) for x in (exact, first)])
    return RATE * np.mean(found, axis=0)


def diagonals(J, of):
    """[Phi_{t,t-h}]_qq (lag, time, q) from J (T, H, H), at the `of.times` times T, T - stride, ... in rising order.

    The lags share the products of whole blocks of `stride` factors.
    """
    blocks = J.reshape(-1, of.stride, *J.shape[1:])
    last = [np.broadcast_to(np.eye(J.shape[-1]), blocks[:, 0].shape)]  # products of the last r factors of each block
    for r in range(of.stride):
        last.append(last[-1] @ blocks[:, of.stride - 1 - r])
    found, R = {}, last[0][: of.times]
    for q in range(max(of.lags) // of.stride + 1):
        here = slice(len(blocks) - of.times - q, len(blocks) - q)
        found |= {h: np.einsum("tij,tji->ti", R, last[h % of.stride][here]) for h in of.lags if h // of.stride == q}
        R = R @ last[of.stride][here]
    return np.stack([found[h] for h in of.lags])


def first_orders(retained, d, of):
    """Gamma0 + Gamma1 (lag, time, q) at the same times, from 1 - g_j and d_j (T - 1, q) of the steps 2..T."""
    ends = len(d) - of.stride * np.arange(of.times)[::-1]
    sums = [np.cumsum(np.concatenate([0 * x[:1], x]), axis=0) for x in (np.log(retained), d / retained)]
    log_gamma0, share = (np.stack([x[ends] - x[ends - h] for h in of.lags]) for x in sums)
    return np.exp(log_gamma0) * (1 + share)


def agreement(f, lags):
    """{quantity: value} of f (2, lag): correlations of log10 f, and the ratio of its slopes over log h."""
    exact, first = np.log10(f)
    slope_exact, slope_first = (line_fit(np.log10(lags), x)[0] for x in (exact, first))
    return {
        "Spearman's correlation": float(rank_correlation(exact, first)),
        "Pearson's correlation": float(np.corrcoef(exact, first)[0, 1]),
        "ratio of slopes": float(slope_first / slope_exact),
    }
