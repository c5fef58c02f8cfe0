"""How the cost of a training update grows with the units H, the steps T, the seeds and the batch.

Run `.venv/bin/python benchmarks/scaling.py`; it writes scaling.json, .png and .pdf to benchmarks/results/.
An exponent is the slope of log time over log size on the upper half of the sizes.

Why they are what they are:
- H: the products of a step cost H^2, what is element by element H; from 128 units on there is little but products: 2.
- T: a step costs the same wherever it stands, also where the tapes of a run no longer fit a cache: 1.
- seeds: members are trained one after the other in the same working memory: 1.
- batch: a few samples do not fill the registers of a product, so the first ones cost next to nothing. Beyond 64 a
  product has more than 10^6 multiplications, where OpenBLAS leaves its kernels for small matrices and first packs the
  operands: somewhat above 1.
"""

import one_core  # before all else, since it sets the number of threads

# isort: split
import json

import numpy as np
from matplotlib import pyplot as plt
from problem import INPUTS, build, sgd_update
from report import RESULTS, about

from engine.figures import style
from engine.network.gradient import gradient_function
from engine.tasks.batches import ensemble_batch
from engine.training.train import initial_parameters

AT = {"units": 64, "steps": 120, "seeds": 1, "batch": 64}
SWEEPS = {
    "units": [16, 32, 64, 128, 256, 512],
    "steps": [20, 60, 120, 250, 500, 1000],
    "seeds": [1, 2, 4, 8, 16, 32, 64],
    "batch": [1, 4, 16, 64, 128, 256, 512],
}
LABELS = {"units": "units H", "steps": "steps T", "seeds": "seeds in a pass", "batch": "batch"}
CELLS = ("plain", "multi")


def milliseconds(name, units, steps, seeds, batch, rounds=5):
    """Median CPU time of an update of all seeds."""
    cell = build(name, units)
    u, y, _ = ensemble_batch("adding", range(seeds), "train", 0, T=steps, n=INPUTS, batch=batch, dtype="float32")
    parameters = initial_parameters(cell, range(seeds), "float32")
    update = sgd_update(gradient_function(cell, parameters, steps, batch), parameters, u, y)
    return float(np.median(one_core.interleaved({"update": update}, rounds)["update"])) * 1e3


def exponent(sizes, times):
    """Slope and intercept of log time over log size, on the upper half of the sizes."""
    half = len(sizes) // 2
    return np.polyfit(np.log(sizes[half:]), np.log(times[half:]), 1)


def draw(times):
    figure, axes = plt.subplots(1, len(SWEEPS), figsize=(style.WIDTH, 2.2), sharey=True)
    for ax, (what, sizes) in zip(axes, SWEEPS.items(), strict=True):
        upper = np.array(sizes[len(sizes) // 2 :])
        for row, name in enumerate(CELLS):
            color = style.cell_color(name)
            slope, intercept = exponent(sizes, times[what][name])
            ax.loglog(sizes, times[what][name], "o", ms=3, color=color, label=name)
            ax.loglog(upper, np.exp(intercept) * upper**slope, color=color)
            ax.text(0.05, 0.97 - 0.08 * row, f"exponent {slope:.2f}", color=color, transform=ax.transAxes, va="top")
        ax.set_xticks(sizes[::2], [str(size) for size in sizes[::2]])
        ax.minorticks_off()
        ax.set_xlabel(LABELS[what])
    axes[0].set_ylim(0.1, 3000)
    axes[0].set_ylabel("an update (ms)")
    axes[-1].legend(loc="lower right")
    style.save_figure(figure, [RESULTS / "scaling.png", RESULTS / "scaling.pdf"])


def main():
    times = {
        what: {name: [milliseconds(name, **AT | {what: size}) for size in sizes] for name in CELLS}
        for what, sizes in SWEEPS.items()
    }
    slopes = {
        what: {name: round(float(exponent(SWEEPS[what], t)[0]), 3) for name, t in cells.items()}
        for what, cells in times.items()
    }
    RESULTS.mkdir(exist_ok=True)
    numbers = {"at": AT, "sizes": SWEEPS, "milliseconds": times, "exponents": slopes}
    (RESULTS / "scaling.json").write_text(
        json.dumps(about("numpy", "scipy", "numba") | numbers, indent=1) + "\n", encoding="utf-8"
    )
    print(json.dumps(slopes, indent=1))
    draw(times)


if __name__ == "__main__":
    main()
