"""How the cost of a training update and of what is measured grows with units H, steps T, seeds and batch.

Run `.venv/bin/python benchmarks/scaling.py`; it writes scaling.json, .png and .pdf to benchmarks/results/, in CPU time.
An exponent is the slope of log time over log size on the upper half of the sizes.

Why they are what they are, for an update:
- H: the products of a step cost H^2, what is element by element H; from 128 units on there is little but products: 2.
- T: a step costs the same wherever it stands, also where the tapes of a run no longer fit a cache: 1.
- seeds: members are trained one after the other in the same working memory: 1.
- batch: a few samples do not fill the registers of a product, so the first ones cost next to nothing. Beyond 64 a
  product has more than 10^6 multiplications, where OpenBLAS leaves its kernels for small matrices and first packs the
  operands: somewhat above 1.

For what is measured of one multi network along one sequence, untrained:
- all S: T^2 / 2 norms and T log T products of matrices, H^3 each. At H = 64 the products still count at T = 2000: over
  T between 1 and 2. A norm is some products of two matrices with a vector, H^2. That the exponent over H is near 3 from
  64 to 256 units is not explained yet; the matrices grow beyond the nearest cache there.
- S of a drawn pair at all of its lags: a product of matrices and a Gram matrix a lag: 1 over T, up to 3 over H.
- a pair of the anisotropy at its longest lag, T/3: T/3 products of matrices and one singular value decomposition: 1
  over T, up to 3 over H. A jump is where a small singular value drowns in rounding, so that factorizations are needed.
- a step of all Lyapunov exponents: a product of matrices and an elimination: 0 over T, up to 3 over H.
Small matrices cost more for each multiplication than large ones, so that the last three stay below 3 over H.
"""

import one_core  # before all else, since it sets the number of threads

# isort: split
import json
from functools import partial

import numpy as np
from matplotlib import pyplot as plt
from problem import INPUTS, build, sgd_update
from report import RESULTS, about

from engine.figures import style
from engine.measures.drawn_pairs import along, sensitivities
from engine.measures.lyapunov import jacobians_along
from engine.network.gradient import gradient_function
from engine.network.unroll import forward, full_jacobian
from engine.products.growth_rates import growth_rates, random_directions
from engine.products.singular_values import log_singular_values
from engine.products.spectral_norms import log_spectral_norms
from engine.tasks.batches import ensemble_batch
from engine.training.train import initial_parameters

AT = {"units": 64, "steps": 120, "seeds": 1, "batch": 64}
SWEEPS = {
    "units": [16, 32, 64, 128, 256, 512, 1024],
    "steps": [20, 60, 120, 250, 500, 1000, 2000],
    "seeds": [1, 2, 4, 8, 16, 32, 64],
    "batch": [1, 4, 16, 64, 128, 256, 512],
}
LABELS = {"units": "units H", "steps": "steps T", "seeds": "seeds in a pass", "batch": "batch"}
CELLS = ("plain", "multi")
EXPONENT_STEPS = 20  # of a run for Lyapunov exponents, at most
ALL_S_TO = {"units": 256, "steps": 2000}  # beyond, all S of a sequence take too long here
ROUNDS = 5
LONG = 2.0  # seconds; what takes longer is timed once


def median(function):
    """Median CPU time of a call in ms, after one that compiles."""
    first = one_core.seconds(function)
    if first > LONG:
        return first * 1e3
    return float(np.median(one_core.interleaved({"it": function}, ROUNDS, warm_up=0)["it"])) * 1e3


def update(name, units, steps, seeds, batch):
    """An update of all seeds, as a function without arguments."""
    cell = build(name, units)
    u, y, _ = ensemble_batch("adding", range(seeds), "train", 0, T=steps, n=INPUTS, batch=batch, dtype="float32")
    parameters = initial_parameters(cell, range(seeds), "float32")
    return sgd_update(gradient_function(cell, parameters, steps, batch), parameters, u, y)


def one_run(units, steps):
    """The multi cell, the weights of one network, and z (T, 1, H + n, 1) of its run along a sequence."""
    cell = build("multi", units)
    u, _, _ = ensemble_batch("adding", range(1), "probe", 0, T=steps, n=INPUTS, batch=1)
    W, _ = initial_parameters(cell, range(1), "float64")
    return cell, W, forward(cell, W, u, keep_tapes=False).z


def jacobians_of_last(steps, cell, W, z):
    return np.stack([full_jacobian(cell, W, z[t]) for t in range(len(z) - steps, len(z))])


def all_norms(cell, W, z):
    return log_spectral_norms(jacobians_of_last(len(z), cell, W, z))


def drawn_pair(cell, W, z):
    return along(z, np.zeros((1, 1), int), np.array([len(z)]), sensitivities(cell, W), 1)


def spectrum(cell, W, z):
    return log_singular_values(jacobians_of_last(len(z) // 3, cell, W, z), 10)


def exponents(cell, W, z):
    H, steps = cell.units, min(len(z), EXPONENT_STEPS)
    J = jacobians_along(cell, W, z[0, :, :H], (z[t, :, H:] for t in range(steps)))
    return growth_rates(J, random_directions(H, H), transient=0, block=steps, blocks=1)


MEASURED = {
    "all S": all_norms,
    "S of a drawn pair, all lags": drawn_pair,
    "a pair of anisotropy, lag T/3": spectrum,
    "a step of Lyapunov exponents": exponents,
}


def measured_ms(name, units, steps):
    function = partial(MEASURED[name], *one_run(units, steps))
    return median(function) / (min(steps, EXPONENT_STEPS) if function.func is exponents else 1)


def all_times():
    """{what grows: {panel: {curve: [(size, ms)]}}}."""
    found = {}
    for what, sizes in SWEEPS.items():
        found[what] = {"an update": {c: [(s, median(update(c, **AT | {what: s}))) for s in sizes] for c in CELLS}}
        if what in ALL_S_TO:
            found[what]["measured"] = {
                name: [
                    (s, measured_ms(name, **{k: AT[k] for k in ALL_S_TO} | {what: s}))
                    for s in sizes
                    if name != "all S" or s <= ALL_S_TO[what]
                ]
                for name in MEASURED
            }
    return found


def exponent(points):
    """Slope and intercept of log time over log size, on the upper half of the sizes."""
    sizes, times = np.log(np.array(points)[len(points) // 2 :]).T
    return np.polyfit(sizes, times, 1)


def draw_panel(ax, curves, colors, sizes):
    """The times, the lines fitted to them, and their slopes beside the names."""
    for (name, points), color in zip(curves.items(), colors, strict=True):
        slope, intercept = exponent(points)
        its, times = np.array(points).T
        upper = its[len(its) // 2 :]
        ax.loglog(its, times, "o", ms=3, color=color)
        ax.loglog(upper, np.exp(intercept) * upper**slope, color=color, label=f"{name}: {slope:.2f}")
    ax.set_xticks(sizes[::2], [str(size) for size in sizes[::2]])
    ax.minorticks_off()
    low, high = ax.get_ylim()
    ax.set_ylim(low, high * (high / low) ** (0.12 * len(curves)))  # room for the legend
    ax.legend(loc="upper left", fontsize="small", title="exponent", title_fontsize="small", handlelength=1)


def draw(times):
    figure, axes = plt.subplot_mosaic([[*"abcd"], [*"eeff"]], figsize=(style.WIDTH, 5.2), layout="constrained")
    for ax, (what, panels) in zip((axes[name] for name in "abcd"), times.items(), strict=True):
        colors = [style.cell_color(name) for name in CELLS]
        draw_panel(ax, panels["an update"], colors, SWEEPS[what])
        ax.set_xlabel(LABELS[what])
    for ax, what in zip((axes[name] for name in "ef"), ALL_S_TO, strict=True):
        draw_panel(ax, times[what]["measured"], [f"C{i}" for i in range(len(MEASURED))], SWEEPS[what])
        ax.set_xlabel(LABELS[what])
    axes["a"].set_ylabel("an update (ms)")
    axes["e"].set_ylabel("measured (ms)")
    style.save_figure(figure, [RESULTS / "scaling.png", RESULTS / "scaling.pdf"])


def main():
    times = all_times()
    slopes = {
        what: {
            panel: {name: round(float(exponent(points)[0]), 3) for name, points in curves.items()}
            for panel, curves in panels.items()
        }
        for what, panels in times.items()
    }
    RESULTS.mkdir(exist_ok=True)
    numbers = {"at": AT, "milliseconds": times, "exponents": slopes}
    (RESULTS / "scaling.json").write_text(
        json.dumps(about("numpy", "scipy", "numba") | numbers, indent=1) + "\n", encoding="utf-8"
    )
    print(json.dumps(slopes, indent=1))
    draw(times)


if __name__ == "__main__":
    main()
