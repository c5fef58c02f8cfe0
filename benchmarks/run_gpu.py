"""The speed of the engine on a GPU beside PyTorch and JAX on the same one, in one run: `make bench-gpu`.

Ratios are peer / engine within a round, in which all run one after the other; shown are the median over the rounds and
the quartiles. The table is printed, and written to benchmarks/results/gpu.md and gpu.json. A last section takes the
whole 20-seed paper through Snakemake: ARGS=--paper. With --dry all of it runs once on a CPU, with few and short
sequences, and nothing is written.
"""

import argparse
import json
import os
import subprocess
import sys
import tempfile
import time
from functools import partial
from pathlib import Path
from typing import NamedTuple

os.environ["XLA_PYTHON_CLIENT_PREALLOCATE"] = "false"  # the peers share the memory of the device
os.environ["NVIDIA_TF32_OVERRIDE"] = "0"  # all of them compute in float32
sys.path.insert(0, str(Path(__file__).parent.parent))

import numpy as np
import peers_gpu
import peers_jax
import peers_torch
import timing
from problem import ALPHA, BATCH, CELLS, INPUTS, OTHERS, RATE, build, compare, sgd_update, update_flops
from report import RESULTS, Row, about, table

from engine.common.backend import CPU, find_device, namespace, to_host
from engine.network.gradient import gradient_function
from engine.network.unroll import Parameters
from engine.products.singular_values import formed_to_the_end, halves
from engine.products.spectral_norms import log_spectral_norms, pairs
from engine.tasks.batches import ensemble_batch
from engine.training.train import initial_parameters

ON_GPU = (*CELLS, *OTHERS)
LAGS = (1, 2, 4, 8, 12, 16, 24, 32, 40)
MOST_ALONE = 20  # members that cuDNN is asked for; it takes one after the other


class Sizes(NamedTuple):
    """Of what is timed."""

    T: int = 120
    members: tuple = (1, 20, 100, 300)
    rounds: int = 25
    product: int = 8192  # rows of the matrices whose product shows the rate of the device
    chains: tuple = (20, 16)  # members and pairs of the products of Jacobians
    samples: int = 12


DRY = Sizes(T=3, members=(1, 2), rounds=1, product=64, chains=(1, 2), samples=1)


def synchronized(function, xp):
    """The function, followed by a wait for all that it has started."""
    wait = xp.cuda.Device().synchronize if xp is not np else lambda: None

    def whole():
        function()
        wait()

    return whole


def seconds(function):
    start = time.perf_counter()
    function()
    return time.perf_counter() - start


interleaved = partial(timing.interleaved, seconds=seconds, warm_up=2)


def by_name(cell, weights):
    return {name: to_host(w) for name, w in cell.unpack(weights.W).items()} | {"W_o": to_host(weights.W_o)}


def contestants(name, members, T, place, device):
    """(cell, {who: update}) on the device, after all of them gave the same gradient."""
    cell, seeds = build(name), range(members)
    u, y, _ = ensemble_batch("adding", seeds, "train", 0, T=T, n=INPUTS, batch=BATCH, dtype="float32")
    host = initial_parameters(cell, seeds, "float32")
    parameters, weights = Parameters(*map(place, host)), by_name(cell, host)
    u_there, y_there = place(u), place(y)
    gradient_of = gradient_function(cell, parameters, T, BATCH)
    by_member = np.ascontiguousarray(u.transpose(1, 0, 3, 2))
    peers = {
        who: peers_gpu.make_update(name, weights, by_member, y, RATE, ALPHA, device, compiled)
        for who, compiled in (("PyTorch eager", False), ("torch.compile", True))
    }
    if name in OTHERS and members <= MOST_ALONE:
        peers["cuDNN"] = one_after_the_other(name, cell, host, u, y, device)
    peers["JAX"] = peers_jax.make_update(name, weights, by_member, y, RATE, ALPHA)
    expected = by_name(cell, gradient_of(parameters, u_there, y_there)[1])
    for who, (update, gradient) in peers.items():
        update()
        compare(expected, gradient(), f"{name}, {who}")
    engine = sgd_update(gradient_of, parameters, u_there, y_there)
    return cell, {"engine": engine} | {who: update for who, (update, _) in peers.items()}


def one_after_the_other(name, cell, host, u, y, device):
    """(update, gradient) of PyTorch's own network, each member by itself."""
    updates = []
    for m in range(len(y)):
        weights = by_name(cell, Parameters(*(p[m] for p in host)))
        by_step = np.ascontiguousarray(u[:, m].transpose(0, 2, 1))
        updates.append(peers_torch.make_update_of_its_own(name, weights, by_step, y[m], RATE, device))

    def update():
        for of_one, _ in updates:
            of_one()

    def gradient():
        found = [gradient() for _, gradient in updates]
        return {key: np.stack([of_one[key] for of_one in found]) for key in found[0]}

    return update, gradient


class Rates(NamedTuple):
    """Measured: operations a second of large products, and bytes a second of a large copy."""

    float32: float
    float64: float
    bandwidth: float


def ceilings(xp, n):
    squares = {kind: xp.ones((n, n), kind) for kind in ("float32", "float64")}
    big = xp.ones(4 * n * n, np.float32)
    functions = {kind: synchronized(lambda a=a: a @ a, xp) for kind, a in squares.items()}
    times = interleaved(functions | {"copy": synchronized(big.copy, xp)}, rounds=9)
    products = (2 * n**3 / times[kind].min() for kind in squares)
    return Rates(*products, 2 * big.nbytes / times["copy"].min())


def measuring_rows(place, rates, sizes):
    """What measuring takes, in float64: products of chains of Jacobians at the nine lags, and all spectral norms."""
    xp, (members, chains), H = namespace(place(np.zeros(1))), sizes.chains, 64
    rng = np.random.default_rng(0)
    J = place(rng.normal(size=(max(LAGS), members, chains, H, H)) / H**0.5)
    along = J[:, :, : sizes.samples, ...]
    times = interleaved(
        {
            "products": synchronized(lambda: formed_to_the_end(J, LAGS), xp),
            "norms": synchronized(lambda: log_spectral_norms(along), xp),
        },
        min(sizes.rounds, 9),
    )
    number = members * chains * sum(lag - half - 1 + (half > 0) for lag, half in halves(LAGS).items())
    norms = members * along.shape[2] * len(pairs(max(LAGS))[0])
    return [
        Row(f"products of {members} x {chains} chains at nine lags", times["products"] * 1e3, "ms"),
        Row("share of the FP64 rate", number * 2 * H**3 / times["products"] / rates.float64, "share"),
        Row("share of the bandwidth", number * 3 * 8 * H**2 / times["products"] / rates.bandwidth, "share"),
        Row(f"{norms} spectral norms, each", times["norms"] / norms * 1e6, "us"),
    ]


def moved_bytes(cell, T, batch):
    """What an update of one member must move: its inputs, and the states and tapes of a run, there and back."""
    rows, columns = cell.shape
    return 4 * T * batch * (cell.inputs + 2 * (rows + columns))


def update_rows(name, members, place, device, rates, T, rounds):
    xp = namespace(place(np.zeros(1)))
    cell, functions = contestants(name, members, T, place, device)
    times = interleaved({who: synchronized(update, xp) for who, update in functions.items()}, rounds)
    mine, label = times.pop("engine"), f"{name}, {members} members"
    ahead = 1 if members >= 20 else None
    return [
        Row(f"{label}: an update of all", mine * 1e3, "ms"),
        *(Row(f"{label}: {who}", found / mine, at_least=ahead) for who, found in times.items()),
        Row(f"{label}: share of the FP32 rate", members * update_flops(cell, T, BATCH) / mine / rates.float32, "share"),
        Row(
            f"{label}: share of the bandwidth", members * moved_bytes(cell, T, BATCH) / mine / rates.bandwidth, "share"
        ),
    ]


def paper_rows():
    """The 20-seed paper from nothing, in a copy of the tracked files, with profiles/gpu."""
    root = Path(__file__).parent.parent
    with tempfile.TemporaryDirectory() as folder:
        subprocess.run(["git", "clone", "--quiet", root, folder], check=True)
        command = [sys.executable, "-m", "snakemake", "--workflow-profile", "profiles/gpu", "--quiet", "rules"]
        took = seconds(partial(subprocess.run, command, cwd=folder, check=True))
    return [Row("the 20-seed paper through Snakemake", [took / 60], "min")]


def main():
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--paper", action="store_true", help="also the whole paper, some minutes")
    parser.add_argument("--dry", action="store_true")
    asked = parser.parse_args()
    gpu, device, sizes = (CPU, "cpu", DRY) if asked.dry else (find_device(1), "cuda", Sizes())
    xp = namespace(gpu.move(np.zeros(1)))
    rates = ceilings(xp, sizes.product)
    where = about("numpy", "torch", "jax") | {"backend": gpu.backend, "device": gpu.name}
    where |= {f"{kind} rate": f"{getattr(rates, kind) / 1e12:.1f} TFLOP/s" for kind in ("float32", "float64")}
    where |= {"bandwidth": f"{rates.bandwidth / 1e12:.2f} TB/s"}
    text = "".join(f"- {key}: {value}\n" for key, value in where.items())
    print(text, flush=True)
    numbers = {}

    def section(title, rows):
        nonlocal text
        text += table(title, rows)
        numbers[title] = [vars(row) for row in rows]
        print(table(title, rows), flush=True)
        if not asked.dry:
            RESULTS.mkdir(exist_ok=True)
            (RESULTS / "gpu.md").write_text(f"# Speed on a GPU\n\n{text}", encoding="utf-8")
            (RESULTS / "gpu.json").write_text(
                json.dumps(where | {"results": numbers}, indent=1) + "\n", encoding="utf-8"
            )

    section("Measuring", measuring_rows(gpu.move, rates, sizes))
    for members in sizes.members:
        rows = partial(update_rows, place=gpu.move, device=device, rates=rates, T=sizes.T, rounds=sizes.rounds)
        section(f"Training updates, {members} members", [row for name in ON_GPU for row in rows(name, members)])
    if asked.paper:
        section("The paper", paper_rows())


if __name__ == "__main__":
    main()
