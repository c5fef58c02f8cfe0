"""Where the time of one job of each measuring rule goes: `.venv/bin/python benchmarks/profile_measuring.py`.

Written to benchmarks/results/profile_measuring.txt: for each rule, with the multi cell at the sizes of the paper, the
functions by their own time for one network, trained for 20 updates. Training has profile_training.py.
"""

import one_core  # noqa: F401  before all else, since it sets the number of threads

# isort: split
import cProfile
import io
import pstats
import time
from functools import partial
from pathlib import Path

import yaml
from problem import RATE, build
from report import RESULTS, about

from engine.measures import anisotropy, differences, differences_slope, effective_lr, expansion, gates
from engine.network.ensemble import Networks
from engine.optimizers import make_optimizer
from engine.training.train import train

CONFIG = yaml.safe_load((Path(__file__).parent.parent / "config" / "config.yaml").read_text(encoding="utf-8"))


def networks(experiment):
    """One network of the experiment, after 20 updates."""
    block = CONFIG[experiment]
    sizes = {key: block[key] for key in ("T", "batch")}
    cell = build("multi", inputs=block["inputs"])
    found = train(cell, make_optimizer("sgd"), lambda k: RATE, "adding", [1], updates=20, checkpoints=[20], **sizes)
    return Networks(cell, found.parameters, (1,), (20,))


def jobs():
    """{rule: what a job of it does for one network}."""
    of = {name: networks(name) for name in ("effective_lr", "anisotropy")}
    e, a, g, x = (CONFIG[name] for name in ("effective_lr", "anisotropy", "gates", "expansion"))
    probe = {key: a[key] for key in ("T", "probe_batch", "lags", "pairs")} | {"r": a["rank"]}
    gate = {key: g[key] for key in ("probe_batch", "samples", "lags")} | {"T": a["T"], "r": g["rank"]}
    slope = {key: e[key] for key in ("T", "probe_batch")}
    spread = {key: x[key] for key in ("T", "weight_scale", "noise", "epsilons")}
    return {
        "effective_lr": partial(effective_lr.measure, of["effective_lr"], "adding", rate=RATE, **slope),
        "anisotropy": partial(anisotropy.measure, of["anisotropy"], "adding", gradients=a["gradients"], **probe),
        "gates": partial(gates.measure, of["anisotropy"], "adding", **gate),
        "differences": partial(differences.measure, of["anisotropy"], "adding", **probe),
        "differences_slope": partial(differences_slope.measure, of["effective_lr"], "adding", **slope),
        "expansion": partial(expansion.measure_untrained, build("multi", inputs=x["inputs"]), [1], **spread),
    }


def profile(job):
    """Seconds of a call, and the text of cProfile by own time."""
    job()  # so that nothing is compiled while the clock runs
    start = time.process_time()
    job()
    took = time.process_time() - start
    found, text = cProfile.Profile(time.process_time), io.StringIO()
    found.runcall(job)
    pstats.Stats(found, stream=text).strip_dirs().sort_stats("tottime").print_stats(10)
    return took, text.getvalue().split("\n\n", 1)[1].strip()


def main():
    lines = [f"{key}: {value}" for key, value in about("numpy", "scipy", "numba").items()]
    for rule, job in jobs().items():
        took, text = profile(job)
        lines += ["", f"== {rule}: {took:.3f} s a network", text]
    RESULTS.mkdir(exist_ok=True)
    (RESULTS / "profile_measuring.txt").write_text("\n".join(lines) + "\n", encoding="utf-8")
    print("\n".join(lines))


if __name__ == "__main__":
    main()
