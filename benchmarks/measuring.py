"""What is measured on trained networks, beside the plain way to compute it, and what the data cost."""

from functools import partial, reduce
from pathlib import Path
from types import ModuleType
from unittest.mock import patch

import numpy as np
import peers_torch
from one_core import interleaved
from problem import ALPHA, BATCH, CELLS, INPUTS, MEMBERS, RATE, build, compare, sgd_update
from report import Row
from updates import first_member

from engine.network.gradient import gradient_function
from engine.network.unroll import Parameters, forward, jacobians, loss_and_gradient, per_sample_gradients
from engine.optimizers import make_optimizer
from engine.products import spectral_norms, spectral_norms_numba
from engine.products.singular_values import log_singular_values
from engine.products.spectral_norms import pairs
from engine.tasks import TASKS
from engine.tasks.batches import ensemble_batch
from engine.training.train import initial_parameters, train

LAGS = (1, 2, 4, 8, 12, 16, 24, 32, 40)


def trained(name, T):
    """A cell after 100 updates, and its parameters in float64."""
    cell, rule = build(name), make_optimizer("sgd")
    found = train(cell, rule, lambda k: RATE, "adding", [0], T=T, batch=BATCH, updates=100, checkpoints=[100])
    return cell, Parameters(*(p[0].astype("float64") for p in found.parameters))


def probe(cell, T, samples):
    u, y, _ = ensemble_batch("adding", [0], "probe", 0, T=T, n=cell.inputs, batch=samples)
    return u, y


def probe_jacobians(name, T, samples):
    cell, parameters = trained(name, T)
    return sum(jacobians(cell, parameters.W, forward(cell, parameters.W, probe(cell, T, samples)[0]).z))


def fill_without_proof():
    """`fill_log_norms` from a copy of its module in which nothing bounds what an iteration has not seen."""
    source = Path(spectral_norms_numba.__file__).read_text(encoding="utf-8")
    before, after = source.split("@compiled\ndef fill_log_norms(")
    module = ModuleType("norms_without_proof")
    bound = "@compiled\ndef bound(rho, squares):\n    return 0.0\n\n\n"
    exec(f"{before}{bound}@compiled\ndef fill_log_norms({after}", vars(module))
    return module.fill_log_norms


def norm_rows(name, T=80, samples=12, every=25, rounds=3):
    """All spectral norms, with and without their proof, beside numpy.linalg.norm of a stack of every 25th product."""
    J = probe_jacobians(name, T, samples)
    t, k = pairs(T)
    product = {
        (t, k): reduce(lambda X, j: J[j, 0] @ X, range(k + 1, t), J[k, 0])
        for t, k in zip(t[::every], k[::every], strict=True)
    }
    stack = np.stack(list(product.values()))
    found, fill = {}, fill_without_proof()

    def without_proof():
        with patch.object(spectral_norms, "fill_log_norms", fill):
            spectral_norms.log_spectral_norms(J)

    times = interleaved(
        {
            "engine": lambda: found.update(engine=spectral_norms.log_spectral_norms(J)),
            "without": without_proof,
            "plain": lambda: found.update(plain=np.linalg.norm(stack, ord=2, axis=(-2, -1))),
        },
        rounds,
    )
    mine, plain = times["engine"] / (len(t) * samples), times["plain"] / stack[..., 0, 0].size
    error = np.abs(np.expm1(found["engine"][::every, 0] - np.log(found["plain"])))
    return [
        Row(f"{name}: {len(t) * samples} spectral norms of T = {T}, each", mine * 1e6, "us"),
        Row(f"{name}: share of it that the proof takes", 1 - times["without"] / times["engine"], "share"),
        Row(f"{name}: numpy.linalg.norm(ord=2)", plain / mine, at_least=4),
        Row(f"{name}: largest relative error", [error.max()], at_most=1e-9),
    ]


def spectrum_rows(name, T=120, matrices=64, r=10, rounds=3):
    """Singular values of products over the nine lags, the first r or all of them sure, beside numpy.linalg.svd."""
    J = probe_jacobians(name, T, matrices)[:, 0]
    factors = {lag: J[T - lag : T] for lag in LAGS}
    times = interleaved(
        {lag: partial(log_singular_values, factors[lag], r) for lag in LAGS}
        | {"all": partial(log_singular_values, factors[max(LAGS)])}
        | {"svd": partial(np.linalg.svd, J[-1], compute_uv=False)},
        rounds,
    )
    each = {lag: t / matrices * 1e3 for lag, t in times.items()}
    return [
        *(Row(f"{name}: spectrum of a product at lag {lag}", each[lag], "ms") for lag in (1, 12, 40)),
        Row(f"{name}: a pair at the nine lags", sum(each[lag] for lag in LAGS), "ms"),
        Row(f"{name}: all values sure at lag 40", each["all"], "ms"),
        Row(f"{name}: numpy.linalg.svd of a matrix", each["svd"], "ms"),
    ]


def per_sample_rows(name, T=120, samples=256, looped=8, rounds=3):
    """Gradients of 256 samples in float64: one pass beside a loop over samples, in PyTorch and in the engine."""
    cell, parameters = trained(name, T)
    u, y = probe(cell, T, samples)
    weights = first_member(cell, parameters)
    alone = [
        peers_torch.make_update(
            name, weights, np.ascontiguousarray(u[:, 0, None, :, b]), y[0, [b]], 0.0, ALPHA, merged=True
        )
        for b in range(looped)
    ]
    found = {}

    def loop():
        for update, _ in alone:
            update()

    def own_loop():
        for b in range(looped):
            loss_and_gradient(cell, parameters, u[..., b : b + 1], y[:, b : b + 1])

    def one_pass():
        found.update(gradient=per_sample_gradients(cell, parameters, u, y))

    times = interleaved({"pass": one_pass, "torch": loop, "own": own_loop}, rounds)
    last = Parameters(*(g[:, looped - 1] for g in found["gradient"]))
    compare(first_member(cell, last), alone[-1][1](), f"{name}, a sample alone")
    mine = times["pass"] / samples
    return [
        Row(f"{name}: gradient of one of {samples} samples, T = {T}", mine * 1e6, "us"),
        Row(f"{name}: loop over samples in PyTorch", times["torch"] / looped / mine, at_least=20),
        Row(f"{name}: loop over samples in the engine", times["own"] / looped / mine),
    ]


def data_rows(T=120, rounds=25):
    """A batch of each task, as share of an update of the plain and of the multi cell with it."""
    batch = partial(ensemble_batch, seeds=range(MEMBERS), purpose="train", T=T, n=INPUTS, batch=BATCH, dtype="float32")
    u, y, _ = batch("adding", index=0)
    functions = {task: partial(batch, task, index=0) for task in TASKS}
    for name in ("plain", "multi"):
        cell = build(name)
        parameters = initial_parameters(cell, range(MEMBERS), "float32")
        functions[name] = sgd_update(gradient_function(cell, parameters, T, BATCH), parameters, u, y)
    times = interleaved(functions, rounds)
    return [
        Row(f"{name}: data of {task}, share of an update", times[task] / (times[task] + times[name]), "share")
        for name in ("plain", "multi")
        for task in TASKS
    ]


SECTIONS = {
    "Spectral norms": lambda: [row for name in CELLS[1:] for row in norm_rows(name)],
    "Singular spectra": lambda: spectrum_rows("multi"),
    "Per-sample gradients": lambda: [row for name in CELLS for row in per_sample_rows(name)],
    "Data": data_rows,
}
