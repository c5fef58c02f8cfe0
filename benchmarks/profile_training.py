"""Where the time of one training job goes: `.venv/bin/python benchmarks/profile_training.py`.

Written to benchmarks/results/profile_training.txt: the functions of train() by their own time; then, for each cell, the
parts of the compiled update, which a profiler of Python sees as one call.
"""

import one_core  # noqa: F401  before all else, since it sets the number of threads

# isort: split
import cProfile
import io
import pstats
import time
from functools import partial

import numpy as np
from numba import njit
from one_core import interleaved
from problem import BATCH, CELLS, INPUTS, RATE, build, update_flops
from report import RESULTS, about

from engine.network import gradient_numba
from engine.optimizers import make_optimizer
from engine.tasks.batches import ensemble_batch
from engine.training.train import initial_parameters, train

T, UPDATES, SEEDS = 120, 100, [1, 2, 3, 4]


def profile_of_a_job(cell_name, task):
    """The text of cProfile for a training of 100 updates of four seeds, by own time."""
    job = partial(
        train, build(cell_name), make_optimizer("sgd"), lambda k: RATE, task, SEEDS,
        T=T, batch=BATCH, updates=UPDATES, checkpoints=[0, UPDATES],
    )  # fmt: skip
    job()  # so that nothing is compiled while the clock runs
    profile, text = cProfile.Profile(time.process_time), io.StringIO()
    profile.runcall(job)
    pstats.Stats(profile, stream=text).strip_dirs().sort_stats("tottime").print_stats(12)
    return text.getvalue().split("\n\n", 1)[1].strip()


@njit(error_model="numpy")
def products(z, p, W_t, W_x):
    """The matrix products of an update and nothing else."""
    through, entering = np.empty((z.shape[1], W_x.shape[2]), z.dtype), np.empty(W_t[0].shape[::-1], z.dtype)
    out = np.empty_like(p[0, 0])
    for t in range(len(p)):
        for k in range(len(W_t)):
            np.dot(z[t], W_t[k], out)
            np.dot(p[t, k], W_x[k], through)
            np.dot(p[t, k].T, z[t], entering)


def parts_of_an_update(name, rounds=25):
    """Lines with the median milliseconds of the parts of one member's update."""
    cell = build(name)
    u, y, _ = ensemble_batch("adding", [0], "train", 0, T=T, n=INPUTS, batch=BATCH, dtype="float32")
    parameters = initial_parameters(cell, [0], "float32")
    function = gradient_numba.NumbaGradient(cell, T, BATCH)
    function(parameters, u, y)
    z, p, m, W = function.z, function.p, function.m, parameters.W[0]
    tapes, by_part, dW = p.copy(), W.reshape(p.shape[1], p.shape[3], z.shape[2]), np.empty_like(W)
    step, step_backward, options = function.kernels.step, function.kernels.step_backward, function.options
    W_t, W_x = np.ascontiguousarray(by_part.transpose(0, 2, 1)), np.ascontiguousarray(by_part[:, :, : cell.units])
    run = options, function.in_m, W, u[:, 0], z, p, m

    times = interleaved(
        {
            "the whole": partial(function, parameters, u, y),
            "  forward over time": partial(gradient_numba.forward, step, *run),
            "  backward over time": partial(
                gradient_numba.backward, step_backward, *run, function.entering, function.lam, dW
            ),
            "  in these, the matrix products": partial(products, z, tapes, W_t, W_x),
        },
        rounds,
    )
    median = {part: np.median(t) for part, t in times.items()}
    rate = update_flops(cell, T, BATCH) / median["  in these, the matrix products"] / 1e9
    lines = [f"{part:36s}{t * 1e3:8.3f} ms" for part, t in median.items()]
    return f"\n{name}: products at {rate:.0f} GFLOP/s\n" + "\n".join(lines)


def main():
    lines = [f"{key}: {value}" for key, value in about("numpy", "scipy", "numba").items()]
    for name, task in (("multi", "adding"), ("plain", "narma10")):
        lines += [
            "",
            f"== train(): {name}, {task}, {len(SEEDS)} seeds, {UPDATES} updates",
            profile_of_a_job(name, task),
        ]
    lines += ["", f"== One update of one member, T = {T}", *map(parts_of_an_update, CELLS)]
    RESULTS.mkdir(exist_ok=True)
    (RESULTS / "profile_training.txt").write_text("\n".join(lines) + "\n", encoding="utf-8")
    print("\n".join(lines))


if __name__ == "__main__":
    main()
