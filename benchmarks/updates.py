"""The training update of each cell beside the same update in PyTorch and JAX, and beside the arithmetic it must do."""

from functools import partial

import numpy as np
import peers_jax
import peers_torch
from one_core import interleaved
from problem import ALPHA, BATCH, CELLS, INPUTS, MEMBERS, OTHERS, RATE, build, compare, sgd_update, update_flops
from report import Row

from engine.network.gradient import gradient_function
from engine.network.unroll import loss_and_gradient
from engine.optimizers import make_optimizer
from engine.tasks.batches import ensemble_batch
from engine.training.train import initial_parameters, train


def square_products(size=64, calls=200):
    """`calls` SGEMMs of matrices that stay in cache, where BLAS is at its fastest, and their arithmetic operations."""
    a, b = np.random.default_rng(0).random((2, size, size), dtype=np.float32)
    out = np.empty_like(a)

    def products():
        for _ in range(calls):
            np.matmul(a, b, out=out)

    return products, calls * 2 * size**3


def first_member(cell, weights):
    return {name: w[0] for name, w in cell.unpack(weights.W).items()} | {"W_o": weights.W_o[0]}


def contestants(name, T):
    """(cell, {"engine" and "plain": update}, {peer: update}), after all of them gave the same gradient."""
    cell = build(name)
    u, y, _ = ensemble_batch("adding", range(MEMBERS), "train", 0, T=T, n=INPUTS, batch=BATCH, dtype="float32")
    parameters = initial_parameters(cell, range(MEMBERS), "float32")
    compiled, plain = gradient_function(cell, parameters, T, BATCH), partial(loss_and_gradient, cell)

    one, by_sample = first_member(cell, parameters), np.ascontiguousarray(u[:, 0].transpose(0, 2, 1))
    if name in OTHERS:
        peers = {f"PyTorch nn.{name.upper()}": peers_torch.make_update_of_its_own(name, one, by_sample, y[0], RATE)}
    else:
        peers = {
            f"PyTorch eager, {how}": peers_torch.make_update(name, one, by_sample, y[0], RATE, ALPHA, merged)
            for how, merged in (("line by line", False), ("merged products", True))
        }
    alone = {weight: w[None] for weight, w in one.items()}
    peers["JAX"] = peers_jax.make_update(name, alone, by_sample[None], y[:1], RATE, ALPHA)
    expected = first_member(cell, plain(parameters, u, y)[1])
    compare(expected, first_member(cell, compiled(parameters, u, y)[1]), f"{name}, compiled")
    for peer, (update, gradient) in peers.items():
        update()
        compare(expected, gradient(), f"{name}, {peer}")

    engine = {"engine": sgd_update(compiled, parameters, u, y), "plain": sgd_update(plain, parameters, u, y)}
    return cell, engine, {peer: update for peer, (update, _) in peers.items()}


def rows(name, T, rounds=25):
    """Of one cell at one length. The engine runs a pass of MEMBERS, JAX one member: with more it takes longer for each.

    The SGEMM rate is the best of the rounds: what the core can do when nothing disturbs it.
    """
    cell, engine, peers = contestants(name, T)
    products, operations = square_products()
    times = interleaved(engine | peers | {"products": products}, rounds)
    mine, full = times["engine"] / MEMBERS, T == 120
    aims = dict.fromkeys(peers, 1 if name in OTHERS else 5 if full else 2) | {"JAX": 1.4 if full else None}
    rate = operations / times["products"].min()
    label = f"{name}, T = {T}"
    return [
        Row(f"{label}: an update", mine * 1e3, "ms"),
        *(Row(f"{label}: {peer}", times[peer] / mine, at_least=aims[peer]) for peer in peers),
        Row(f"{label}: engine without its compiled form", times["plain"] / MEMBERS / mine, at_least=1.5),
        Row(
            f"{label}: share of the SGEMM rate",
            update_flops(cell, T, BATCH) / mine / rate,
            "share",
            0.65 if full else None,
        ),
        Row(f"{label}: the SGEMM rate", [rate / 1e9], "GFLOP/s"),
    ]


def training_rows(updates=100, rounds=5):
    """train() as a job calls it: batches, update rule and bookkeeping included."""

    def job(name):
        rule, seeds = make_optimizer("sgd"), list(range(MEMBERS))
        train(build(name), rule, lambda k: RATE, "adding", seeds, T=120, batch=BATCH, updates=updates, checkpoints=[0])

    times = interleaved({name: partial(job, name) for name in CELLS}, rounds)
    return [
        Row(f"{name}, T = 120: an update inside train()", times[name] / updates / MEMBERS * 1e3, "ms") for name in CELLS
    ]
