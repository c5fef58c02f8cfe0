"""The speed of the engine on a GPU beside PyTorch and JAX on the same one, in one run: `make bench-gpu`.

Ratios are peer / engine within a round, in which all run one after the other; shown are the median over the rounds and
the quartiles. The table is printed, and written to benchmarks/results/gpu.md and gpu.json. A last section takes the
whole 20-seed paper through Snakemake: ARGS=--paper.
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

os.environ["XLA_PYTHON_CLIENT_PREALLOCATE"] = "false"  # the peers share the memory of the device
os.environ["NVIDIA_TF32_OVERRIDE"] = "0"  # all of them compute in float32
sys.path.insert(0, str(Path(__file__).parent.parent))

import numpy as np
import peers_gpu
import peers_jax
import timing
from problem import ALPHA, BATCH, CELLS, INPUTS, OTHERS, RATE, build, compare, sgd_update, update_flops
from report import RESULTS, Row, about, table

from engine.common.backend import find_device, namespace, to_host
from engine.network.gradient import gradient_function
from engine.network.unroll import Parameters
from engine.tasks.batches import ensemble_batch
from engine.training.train import initial_parameters

T, MEMBERS = 120, (1, 20, 100, 300)
ON_GPU = (*CELLS, *OTHERS)


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
    peers["JAX"] = peers_jax.make_update(name, weights, by_member, y, RATE, ALPHA)
    expected = by_name(cell, gradient_of(parameters, u_there, y_there)[1])
    for who, (update, gradient) in peers.items():
        update()
        compare(expected, gradient(), f"{name}, {who}")
    engine = sgd_update(gradient_of, parameters, u_there, y_there)
    return cell, {"engine": engine} | {who: update for who, (update, _) in peers.items()}


def ceilings(xp):
    """Measured operations a second of a large float32 product, and bytes a second of a large copy."""
    a, big = xp.ones((8192, 8192), np.float32), xp.ones(2**28, np.float32)
    times = interleaved(
        {"product": synchronized(lambda: a @ a, xp), "copy": synchronized(big.copy, xp)},
        rounds=9,
    )
    return 2 * 8192**3 / times["product"].min(), 2 * big.nbytes / times["copy"].min()


def moved_bytes(cell, T, batch):
    """What an update of one member must move: its inputs, and the states and tapes of a run, there and back."""
    rows, columns = cell.shape
    return 4 * T * batch * (cell.inputs + 2 * (rows + columns))


def update_rows(name, members, place, device, rates, T=T, rounds=25):
    xp = namespace(place(np.zeros(1)))
    cell, functions = contestants(name, members, T, place, device)
    times = interleaved({who: synchronized(update, xp) for who, update in functions.items()}, rounds)
    mine, label = times.pop("engine"), f"{name}, {members} members"
    ahead = 1 if members >= 20 else None
    return [
        Row(f"{label}: an update of all", mine * 1e3, "ms"),
        *(Row(f"{label}: {who}", found / mine, at_least=ahead) for who, found in times.items()),
        Row(f"{label}: share of the FP32 rate", members * update_flops(cell, T, BATCH) / mine / rates[0], "share"),
        Row(f"{label}: share of the bandwidth", members * moved_bytes(cell, T, BATCH) / mine / rates[1], "share"),
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
    asked = parser.parse_args()
    gpu = find_device(1)
    xp = namespace(gpu.move(np.zeros(1)))
    rates = ceilings(xp)
    where = about("numpy", "torch", "jax") | {"backend": gpu.backend, "device": gpu.name}
    where |= {"FP32 rate": f"{rates[0] / 1e12:.1f} TFLOP/s", "bandwidth": f"{rates[1] / 1e12:.2f} TB/s"}
    text = "".join(f"- {key}: {value}\n" for key, value in where.items())
    print(text, flush=True)
    sections = {
        f"Training updates, {members} members": [
            row for name in ON_GPU for row in update_rows(name, members, gpu.move, "cuda", rates)
        ]
        for members in MEMBERS
    }
    if asked.paper:
        sections["The paper"] = paper_rows()
    for section, rows in sections.items():
        text += table(section, rows)
        print(table(section, rows), flush=True)
    RESULTS.mkdir(exist_ok=True)
    numbers = {section: [vars(row) for row in rows] for section, rows in sections.items()}
    (RESULTS / "gpu.md").write_text(f"# Speed on a GPU\n\n{text}", encoding="utf-8")
    (RESULTS / "gpu.json").write_text(json.dumps(where | {"results": numbers}, indent=1) + "\n", encoding="utf-8")


if __name__ == "__main__":
    main()
