"""On a real GPU: the kernel, a training, what is measured and a whole experiment, beside the same on the CPU."""

import numpy as np
import pytest
import xarray as xr
from conftest import make_example, small_cell
from house import SMOKE, copy_of_the_house, snakemake
from test_gradient_numba import assert_same, in_float32
from test_lanczos import gram, largest_eigenvalues

from engine.cells import CELLS
from engine.common.backend import CPU, to_host
from engine.measures import anisotropy, effective_lr
from engine.network.ensemble import Networks
from engine.network.gradient_cuda import GATES, CudaGradient, has_kernel
from engine.network.unroll import Parameters, loss_and_gradient
from engine.optimizers import make_optimizer
from engine.products import linalg
from engine.products.lanczos import RULE
from engine.training.train import initial_parameters, train

pytestmark = pytest.mark.gpu

MEASURED = "results/smoke/effective_lr/fresh/adding/multi.nc"


@pytest.mark.parametrize("name", [cell.name for cell in GATES])
def test_kernel_equals_the_definition_in_float64(on_gpu, name):
    cell = small_cell(name, 64, 6)
    if not has_kernel(cell, 64):
        pytest.skip(f"the weights of {name} do not fit in a block of this device")
    example = in_float32(*make_example(cell, T=120, batch=64, gain=1.0))
    parameters, u, y = Parameters(*map(on_gpu, example[0])), on_gpu(example[1]), on_gpu(example[2])
    loss, gradient = CudaGradient(cell, parameters, T=120, batch=64)(parameters, u, y)
    exact = [x.astype("float64") for x in (*example[0], *example[1:])]
    expected = loss_and_gradient(cell, Parameters(*exact[:2]), *exact[2:])
    # 6e-8 a number, over 120 steps and 64 samples.
    assert_same((to_host(loss), Parameters(*map(to_host, gradient))), expected, 2e-5)


@pytest.mark.parametrize("N", [5, 64, 128])
def test_decompositions_equal_lapack_s(on_gpu, N):
    X = np.random.default_rng(0).normal(size=(7, N, N)) / N**0.5
    x, s = on_gpu(X), np.linalg.svdvals(X)
    # Rounding of s_1, which is near 2.
    np.testing.assert_allclose(to_host(linalg.singular_values(x)), s, rtol=0, atol=1e-13)
    np.testing.assert_allclose(to_host(linalg.spectral_norm(x)), s[:, 0], rtol=1e-13)
    U, _ = map(to_host, linalg.left_singular_vectors(x))
    np.testing.assert_allclose(np.linalg.norm(U.mT @ X, axis=-1), s, atol=1e-12)
    Q, R = map(to_host, linalg.qr(x))
    np.testing.assert_allclose(Q @ R, X, rtol=0, atol=1e-13)
    np.testing.assert_allclose(Q.mT @ Q, np.broadcast_to(np.eye(N), X.shape), rtol=0, atol=1e-12)
    scales = 10.0 ** -np.linspace(0, 100, N)
    graded, condition = map(to_host, linalg.row_scaled_singular_values(on_gpu(scales[:, None] * Q)))
    np.testing.assert_allclose(graded, np.broadcast_to(scales, graded.shape), rtol=1e-12)
    assert (condition < 10).all()


@pytest.mark.parametrize("H", [5, 64, 128])
def test_largest_eigenvalues_equal_lapack_s(on_gpu, H):
    falls = 0.8 ** np.arange(H)  # as the singular values of a product of many factors
    M = falls[:, None] * gram(3, 50, H, H) * falls
    found, _ = largest_eigenvalues(M, on_gpu)
    np.testing.assert_allclose(found, np.linalg.eigvalsh(M)[..., -1], rtol=RULE.tolerance)


@pytest.mark.parametrize("sequences", [None, 11])
@pytest.mark.parametrize("optimizer", ["sgd", "adam"])
@pytest.mark.parametrize("name", CELLS)
def test_ten_updates_equal_those_on_the_cpu(gpu, name, optimizer, sequences):
    cell, protocol = small_cell(name, 8), {"T": 12, "batch": 8, "updates": 10, "checkpoints": [0, 10]}
    protocol |= {"sequences": sequences, "probe_batch": 5}
    here, there = (
        train(cell, make_optimizer(optimizer), lambda k: 0.01, "adding", [1, 2], **protocol, device=device)
        for device in (CPU, gpu)
    )
    for a, b in zip(here.parameters, there.parameters, strict=True):
        # Ten updates in float32; Adam's first ones divide rounding by itself where a gradient is near 0.
        np.testing.assert_allclose(a, b, rtol=0, atol=1e-5 if optimizer == "sgd" else 1e-3)
    np.testing.assert_allclose(here.loss, there.loss, rtol=1e-3)
    np.testing.assert_allclose(here.records["probe_loss"], there.records["probe_loss"], rtol=1e-3)


@pytest.mark.parametrize("name", ["scalar", "multi", "gru", "lstm"])
def test_what_is_measured_equals_the_cpu_s(gpu, name):
    cell, seeds = small_cell(name, 8), (1, 2)
    networks = Networks(cell, Parameters(*(p[None] for p in initial_parameters(cell, seeds, "float64"))), seeds, (0,))
    probe = {"T": 12, "probe_batch": 3}
    several = {"lags": [1, 4], "pairs": 5, "r": 3, "gradients": 9}
    for measure, protocol in ((effective_lr.measure, {"rate": 0.1}), (anisotropy.measure, several)):
        here, there = (measure(networks, "adding", **probe, **protocol, device=device) for device in (CPU, gpu))
        for key, values in here.items():
            # Double precision on both; sums in another order, amplified in a fit or a small singular value.
            np.testing.assert_allclose(there[key], values, rtol=1e-8, atol=1e-10, err_msg=key)


def test_a_whole_experiment_equals_the_cpu_s(gpu, tmp_path):
    folders = [copy_of_the_house(tmp_path / name) for name in ("cpu", "gpu")]
    for folder, words in zip(folders, ((), ("--profile", "profiles/gpu")), strict=True):
        said = snakemake(folder, *SMOKE, *words, "--", MEASURED)
        assert said.returncode == 0, said.stderr
    here, there = (xr.load_dataset(folder / MEASURED) for folder in folders)
    assert here.attrs["device"] == "cpu" != there.attrs["device"]
    # Trained in float32 on either.
    np.testing.assert_allclose(there.log_sensitivity, here.log_sensitivity, atol=1e-3)
