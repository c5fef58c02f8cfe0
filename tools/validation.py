"""Measures what others have published and writes docs/validation.md: make validation, or for some of the CASES

python -m tools.validation gaussian chaos
"""

import json
import sys
import time
from itertools import product
from pathlib import Path

import numpy as np
from scipy.special import digamma, expit

from engine.cells import make_cell
from engine.common.markdown import table
from engine.common.seeding import stream
from engine.measures.lyapunov import measure_autonomous, random_networks, spectrum
from engine.network.ensemble import Networks
from engine.network.unroll import Parameters
from engine.products.growth_rates import growth_rates, random_directions
from tools import follow_up

ROOT = Path(__file__).parent.parent
PAGE, MEASURED = ROOT / "docs" / "validation.md", ROOT / "benchmarks" / "results" / "validation.json"
CLARK = "[arXiv 2610.12426](https://arxiv.org/abs/2610.12426)"
ROUNDING = 1e-9  # relative, of what is known in closed form, in place of a standard error
HEAD = """# Held to numbers that others have published

`make validation` measures all of it anew and writes this page. A row agrees where ours lies within three standard
errors of what is published, and in a closed form within rounding; where the published number has an error too, the two
are taken together. Seconds are those of a case, which may have several rows.

Of the follow-up, arXiv 2512.05790, the 25 networks trained with SGD are measured, of 75. Its released code sets every f
to at least 1e-30, and f of its GRU and LSTM is smaller at the longest of the lags. So what is published for these two
is to be compared with the rows that have the same floor; the rows without it have the f of [ELR.diag] as it is.

"""
CHAOS = {  # units: networks and steps; the largest ones have the fewest, and vary the least
    128: (16, 600),
    256: (8, 600),
    512: (4, 600),
    1024: (4, 400),
    2048: (3, 200),
}
CHAOTIC = {  # time constant: what is published at N = 4096, per unit of time and of N
    1.0: {"lambda_1": 0.30958, "D / N": 0.28717, "entropy / N": 0.025106, "share of positive exponents": 0.15259},
    0.5: {"lambda_1": 0.21453, "D / N": 0.089732, "entropy / N": 0.0045923, "share of positive exponents": 0.043945},
}
PUBLISHED_UNITS = 4096
FOLLOW_UP = "[arXiv 2512.05790](https://arxiv.org/abs/2512.05790), Appendix C"
ENVELOPES = {  # cell: mean and standard deviation over the same number of seeds, trained with SGD
    "leaky": {"Pearson's correlation": (0.901, 0.008), "ratio of slopes": (3.118, 0.203)},
    "scalar": {"Pearson's correlation": (0.906, 0.007), "ratio of slopes": (3.283, 0.039)},
    "multi": {"Pearson's correlation": (0.894, 0.005), "ratio of slopes": (3.040, 0.051)},
    "gru": {"Pearson's correlation": (0.973, 0.013), "ratio of slopes": (1.240, 0.053)},
    "lstm": {"Pearson's correlation": (0.961, 0.005), "ratio of slopes": (1.328, 0.022)},
}
SPEARMAN, SPEARMAN_ROUNDING = 0.9996, 0.0005  # their mean over the cells


def row(what, source, published, ours, error):
    off = abs(ours - published)
    return {
        "what": what,
        "source": source,
        "published": float(published),
        "ours": float(ours),
        "standard error": float(error),
        "agrees": "yes" if off <= max(3 * error, ROUNDING * max(abs(published), 1)) else f"no, by {off:.2g}",
    }


def gaussian(H=64, members=4, steps=2000):
    """Products of Gaussian matrices: three of the exponents, and all of them together."""
    rng, i = stream(0, "validation", "gaussian"), np.arange(1, H + 1)
    factors = (rng.normal(size=(members, H, H)) / np.sqrt(H) for _ in range(steps + 200))
    rates = growth_rates(factors, random_directions(H, H), transient=200, block=steps // 40, blocks=40).reshape(-1, H)
    exact = (np.log(2) + digamma((H - i + 1) / 2) - np.log(H)) / 2
    error = rates.std(axis=0, ddof=1) / np.sqrt(len(rates))
    z2, ours = (((rates.mean(axis=0) - exact) / error) ** 2).mean(), rates.mean(axis=0)
    source = "Newman 1986, in closed form"
    return [
        *(row(f"lambda_{k} of Gaussian products, H = {H}", source, exact[k - 1], ours[k - 1], error[k - 1])
          for k in (1, H // 2, H)),
        row(f"mean square of all {H} differences in standard errors", "1 if they hold", 1.0, z2, np.sqrt(2 / H)),
    ]  # fmt: skip


def at_rest(cell, weights, u=0.0, *, T=2000):
    """Exponents of one network with these weights, from state 0 and driven by a constant input."""
    blank = {name: np.zeros((1, *view.shape)) for name, view in cell.unpack(np.zeros(cell.shape)).items()}
    W = cell.pack(blank | {name: value[None] for name, value in weights.items()})
    inputs = iter(lambda: np.full((1, cell.inputs, 1), u), None)
    x = np.zeros((1, cell.state_size, 1))
    return spectrum(cell, W, x, inputs, T=T, transient=0.9, blocks=2, exponents=cell.units)["lyapunov_exponent"][0]


def symmetric(H, largest):
    """A random symmetric matrix (H, H) whose largest eigenvalue is `largest`, ahead of the others by a tenth."""
    rng = stream(0, "validation", "symmetric")
    V = np.linalg.qr(rng.normal(size=(H, H)))[0]
    values = np.append(rng.uniform(-0.9, 0.9, H - 1), 1.0)
    return largest * (V * values @ V.T)


def gated(H=32):
    """GRU and LSTM at rest: the radius of J is 1/2 + a/4, so that the critical gain is a = 2."""
    for name, words in {"gru": "a GRU", "lstm": "an LSTM"}.items():
        for a in (1.0, 2.0, 3.0):
            ours = at_rest(make_cell(name, H, 1), {"W_r": symmetric(H, a)})[0]
            what = f"lambda_1 of {words} at rest, spectral radius {a:g} of W_r"
            yield row(what, "log(1/2 + a/4)", np.log(0.5 + a / 4), ours, 0)


def leaky(H=32, alpha=0.5, a=0.9):
    """A leaky cell without input whose gain is too small for activity: J = 1 - alpha + alpha W_r."""
    cell, W_r = make_cell("leaky", H, 1, alpha=alpha), symmetric(H, a)
    W = cell.pack({"W_r": W_r[None], "W_i": np.zeros((1, H, 1))})
    networks = Networks(cell, Parameters(W[None], np.zeros((1, 1, 1, H))), (1,), (0,))
    found = measure_autonomous(networks, T=2000, transient=0.9, blocks=2, exponents=1)["lyapunov_exponent"]
    what = f"lambda_1 of a leaky cell without input, alpha = {alpha}, spectral radius {a} of W_r"
    yield row(what, "log(1 - alpha + alpha a)", np.log(1 - alpha + alpha * a), found[0, 0, 0], 0)


def chrono():
    """Memory by chrono initialization: unit i of an LSTM forgets with -1 / log sigma(b_f)."""
    b = np.log(np.array([2.0, 5.0, 20.0, 100.0]) - 1)
    ours = -1 / at_rest(make_cell("lstm", 4, 1), {"forget_i": b[:, None]}, 1.0)[::-1]
    for bias, found in zip(b, ours, strict=True):
        what = f"time scale of a unit of an LSTM, b_f = {bias:.3f}"
        yield row(what, "-1 / log sigma(b_f), Tallec and Ollivier 2018", -1 / np.log(expit(bias)), found, 0)


def chaos(sizes=CHAOS):
    """Random rate networks: what is published at PUBLISHED_UNITS, from a line through ours over 1 / N."""
    for d, published in CHAOTIC.items():
        by_size = {N: quantities(N, d, *of_size) for N, of_size in sizes.items()}
        for name, expected in published.items():
            means, errors = np.array([mean_and_error(found[name]) for found in by_size.values()]).T
            ours, error = along_line(1 / np.array(list(by_size)), means, errors, 1 / PUBLISHED_UNITS)
            trend = ", ".join(f"{mean:.4g}" for mean in means)
            what = f"{name} of a rate network, g = 3, d = {d:g}, N = {PUBLISHED_UNITS}; N = {list(by_size)}: {trend}"
            yield row(what, CLARK, expected, ours, error)


def quantities(N, d, members, steps):
    """The quantities of CHAOTIC (network,) of networks of N units with the time constant d, per unit of time."""
    networks = random_networks(make_cell("leaky", N, 1, alpha=d), tuple(range(members)), 3.0)
    steps, exponents = int(steps / d), int(0.4 * N * d**1.3)  # D falls with d; what is beyond it is not needed
    found = measure_autonomous(networks, T=steps, transient=0.25, blocks=10, exponents=exponents)
    spectra = found["lyapunov_exponent"][:, 0]
    return {
        "lambda_1": spectra[:, 0] / d,
        "D / N": found["dimension"][:, 0] / N,
        "entropy / N": found["entropy"][:, 0] / N / d,
        "share of positive exponents": (spectra > 0).mean(axis=1) * exponents / N,
    }


def envelopes(of=None, seeds=follow_up.SEEDS):
    """How well first order tells the envelope f(h) of trained networks [ELR.diag]."""
    found = follow_up.all_networks(of or follow_up.Sizes(), seeds)
    what, floor = " of log f, first order and exact", f", f at least {follow_up.FLOOR}"
    ranks = np.concatenate([found["Spearman's correlation" + floor, cell] for cell in ENVELOPES])
    error = np.hypot(mean_and_error(ranks)[1], SPEARMAN_ROUNDING)
    yield row(f"Spearman's correlation{what}{floor}, mean over the cells", FOLLOW_UP, SPEARMAN, ranks.mean(), error)
    for cell, published in ENVELOPES.items():
        for (name, (expected, spread)), end in product(published.items(), ("", floor)):
            ours, error = mean_and_error(found[name + end, cell])
            if end and np.array_equal(found[name, cell], found[name + end, cell]):
                continue
            total = np.hypot(error, spread / np.sqrt(len(seeds)))
            yield row(f"{name}{what}{end}, {cell}", FOLLOW_UP, expected, ours, total)


def mean_and_error(x):
    return x.mean(), x.std(ddof=1) / np.sqrt(len(x))


def along_line(x, y, error, at):
    """The line through y (n,) with these errors, at one point, and its standard error."""
    A = np.stack([np.ones_like(x), x], axis=1) / error[:, None]
    covariance = np.linalg.inv(A.T @ A)
    point = np.array([1, at])
    return point @ covariance @ A.T @ (y / error), np.sqrt(point @ covariance @ point)


CASES = {case.__name__: case for case in (gaussian, gated, leaky, chrono, chaos, envelopes)}


def measure(names):
    """Adds to MEASURED the rows and seconds of these cases."""
    known = json.loads(MEASURED.read_text(encoding="utf-8")) if MEASURED.is_file() else {}
    for name in names:
        start = time.perf_counter()
        rows = list(CASES[name]())
        seconds = time.perf_counter() - start
        known[name] = {"seconds": seconds, "rows": rows}
        print(f"{name}: {seconds:.0f} s", *(f"  {r['what']}: {r['ours']:.5g}, {r['agrees']}" for r in rows), sep="\n")
        MEASURED.write_text(json.dumps(known, indent=1) + "\n", encoding="utf-8")
    return known


def page(known):
    """docs/validation.md of what was measured."""
    lines = []
    for name in CASES:
        if name in known:
            for r in known[name]["rows"]:
                numbers = {key: f"{r[key]:.6g}" for key in ("published", "ours")}
                error = f"{r['standard error']:.2g}" if r["standard error"] else "none: in closed form"
                seconds = f"{known[name]['seconds']:.0f}"
                lines.append(r | numbers | {"standard error": error, "seconds": seconds})
    return HEAD + table(lines)


if __name__ == "__main__":
    PAGE.write_text(page(measure(sys.argv[1:] or CASES)), encoding="utf-8")
