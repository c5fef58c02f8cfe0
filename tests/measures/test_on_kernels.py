"""Trainings and measurements whole, with every CUDA kernel in its place, beside the same on NumPy arrays.

Kernels run on the CPU, on arrays that lack what CuPy's lack: all that is left for a GPU is CuPy itself.
"""

import numpy as np
import pytest
from conftest import DEVICES, small_cell

from engine.measures import anisotropy, effective_lr, gates
from engine.network.ensemble import Networks
from engine.network.unroll import Parameters
from engine.optimizers import make_optimizer
from engine.training.train import initial_parameters, train

SEEDS = (1, 2)
PROBE = {"T": 9, "probe_batch": 3}
MEASURES = {
    "effective_lr": (effective_lr.measure, {"rate": 0.1}),
    "anisotropy": (anisotropy.measure, {"lags": [1, 4], "pairs": 5, "r": 3, "gradients": 9}),
    "gates": (gates.measure, {"samples": 2, "lags": [1, 4], "r": 3}),
}


@pytest.mark.parametrize("what", MEASURES)
@pytest.mark.parametrize("name", ["scalar", "lstm"])
def test_measurements(kernels_on_cpu, name, what):
    cell, (measure, protocol) = small_cell(name), MEASURES[what]
    W = (p[None] for p in initial_parameters(cell, SEEDS, "float64"))
    networks = Networks(cell, Parameters(*W), SEEDS, (0,))
    here, there = (
        measure(networks, "adding", **PROBE, **protocol, device=DEVICES[device]) for device in ("numpy", "quiet")
    )
    for key, values in here.items():
        # Double precision on both, in other orders; fits and small singular values amplify it.
        np.testing.assert_allclose(there[key], values, rtol=1e-8, atol=1e-9, err_msg=key)


@pytest.mark.parametrize("name", ["scalar", "lstm"])
def test_trainings(kernels_on_cpu, name):
    cell, protocol = small_cell(name, 8), {"T": 12, "batch": 8, "updates": 5, "checkpoints": [0, 5], "processes": 2}
    here, there = (
        train(cell, make_optimizer("sgd"), lambda k: 0.01, "narma10", SEEDS, **protocol, device=DEVICES[device])
        for device in ("numpy", "quiet")
    )
    for a, b in zip(here.parameters, there.parameters, strict=True):
        np.testing.assert_allclose(b, a, rtol=0, atol=1e-6)  # float32, five updates
    np.testing.assert_allclose(there.loss, here.loss, rtol=1e-5)
