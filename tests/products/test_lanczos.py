"""The largest eigenvalue by Lanczos iteration, on any arrays and by the CUDA kernel: what is proven is right."""

import cuda_on_cpu
import numpy as np
import pytest
from conftest import PLACES, needs_compiler

from engine.common.backend import to_host
from engine.products import lanczos, lanczos_cuda

TOLERANCE = lanczos.RULE.tolerance
# Of the kernel, with the sizes for six pairs of H = 5 in step 2.
ARGUMENTS = {
    "start": 5, "v": 30, "before": 30, "alpha": 18, "beta2": 18, "theta": 6, "rho": 6, "found": 6, "w": 30,
}  # fmt: skip


def iterate(M, place, v=None, steps=lanczos.RULE.steps, trace=None):
    """The iteration for M (k, t, H, H), NumPy, after all are proven or so many steps; and how many it took."""
    x, H = place(M), M.shape[-1]
    v = np.random.default_rng(1).normal(size=H) if v is None else v
    trace = np.trace(M, axis1=-2, axis2=-1) if trace is None else trace
    iteration = lanczos.begin(place(v / np.linalg.norm(v)), place(trace))
    advance = (lanczos_cuda if lanczos_cuda.has_kernel(x) else lanczos).advance
    for step in range(steps):
        w = to_host(x @ iteration.v[..., None])[..., 0]
        alpha = (w * to_host(iteration.v)).sum(axis=-1)
        advance(iteration, step, place(alpha), place(w))
        if not np.isnan(to_host(iteration.found)).any():
            break
    return iteration, step + 1


def largest_eigenvalues(M, place, **options):
    iteration, steps = iterate(M, place, **options)
    return to_host(iteration.found), steps


def gram(*shape, seed=0):
    X = np.random.default_rng(seed).normal(size=shape)
    return X @ X.mT


def diagonal(values):
    return np.diag(np.array(values, float))[None, None]


@pytest.mark.parametrize("H", [1, 2, 7, 8, 20])
def test_random_matrices(place_or_kernels, H):
    """All are proven once the iteration has seen the whole space: the trace of what is left is then 0."""
    M = gram(3, 4, H, H)
    found, steps = largest_eigenvalues(M, place_or_kernels)
    np.testing.assert_allclose(found, np.linalg.eigvalsh(M)[..., -1], rtol=TOLERANCE)
    assert steps <= H


HARD = {
    "two nearly equal": np.diag([1.0, 1 - 1e-9, 0.3, 0.1]),
    "two nearly equal, further apart": np.diag([1.0, 1 - 1e-7, 0.3, 0.1]),
    "rank one": np.outer([1.0, 2, 3, 4], [1.0, 2, 3, 4]),
    "nearly one": np.eye(4) + 1e-9 * gram(4, 4),
    "small": 1e-125 * gram(4, 4),
    "graded": np.diag(10.0 ** -np.arange(0, 40, 10)),
}


@pytest.mark.parametrize("name", HARD)
def test_hard_matrices(place_or_kernels, name):
    """Beside a random one, which takes longer, or is done sooner."""
    M = np.stack([HARD[name], gram(4, 4)])[None]
    found, _ = largest_eigenvalues(M, place_or_kernels)
    np.testing.assert_allclose(found, np.linalg.eigvalsh(M)[..., -1], rtol=TOLERANCE)


def test_an_eigenvector_to_start_from(place_or_kernels):
    """The trace of the rest is below it."""
    found, steps = largest_eigenvalues(diagonal([3, 1, 1]), place_or_kernels, v=np.array([1.0, 0, 0]))
    assert found.item() == 3 and steps == 1


@pytest.mark.parametrize("hidden", [10.0, 1 + 1e-6])
def test_a_direction_that_the_start_lacks_is_not_overlooked(place_or_kernels, hidden):
    """Its eigenvalue is not found, but then none is: what a residual proves is that some eigenvalue is near."""
    H = 8
    start = np.random.default_rng(1).normal(size=H)
    q = np.linalg.qr(np.stack([start, np.random.default_rng(2).normal(size=H)], axis=1))[0][:, 1]
    found, _ = largest_eigenvalues((np.eye(H) + (hidden - 1) * np.outer(q, q))[None, None], place_or_kernels, v=start)
    assert np.isnan(found.item()) or found.item() == pytest.approx(hidden, rel=TOLERANCE)


def test_ghosts_prove_nothing(place_or_kernels):
    """Once 3 and 1 have converged, T holds them again and again: were it for the trace alone, 3 would be proven."""
    for steps in range(1, lanczos.RULE.steps):
        start = np.array([0, 1, 2, 1, 2])  # it has nothing of 4
        assert np.isnan(largest_eigenvalues(diagonal([4, 3, 3, 1, 1]), place_or_kernels, v=start, steps=steps)[0])


@pytest.mark.parametrize("values", [[0, 0, 0, 0], [1, 1, 1, 1], [3, 3, 1, 1]])
def test_what_the_trace_does_not_prove_is_left(place_or_kernels, values):
    """Also where nothing is left to iterate with: all of these are exact after two steps at most."""
    iteration, _ = iterate(diagonal(values), place_or_kernels)
    assert np.isnan(to_host(iteration.found)).all() and not to_host(lanczos.goes_on(iteration)).any()


def test_a_trace_that_is_not_known_proves_nothing(place_or_kernels):
    found, _ = largest_eigenvalues(gram(1, 2, 6, 6), place_or_kernels, trace=np.full((1, 2), np.inf))
    assert np.isnan(found).all()


def test_what_is_not_finite_is_not_found(place_or_kernels):
    M = gram(1, 2, 4, 4)
    M[0, 0, 1, 1] = np.nan
    found, steps = largest_eigenvalues(M, place_or_kernels, steps=8)
    assert np.isnan(found[0, 0]) and steps == 8
    np.testing.assert_allclose(found[0, 1], np.linalg.eigvalsh(M[0, 1])[-1], rtol=TOLERANCE)


def test_theta_is_the_largest_eigenvalue_of_the_lanczos_matrix(place_or_kernels):
    """Where it was frozen by a last entry too small to see: values that all but coincide, in a cluster of four."""
    D = np.diag(np.tile([1.0, 1e-8], 4))
    G = np.random.default_rng(3).normal(size=(1, 40, 8, 8))
    J = D + 1e-7 * G
    M = J.mT @ J
    iteration, steps = iterate(M, place_or_kernels, steps=7, trace=np.full((1, 40), 1e9))
    alpha, beta2, theta = map(to_host, (iteration.alpha, iteration.beta2, iteration.theta))
    T = np.zeros((40, steps, steps))
    np.einsum("pii->pi", T)[...] = alpha[:steps, 0].T
    for offset in (T[:, 1:, :-1], T[:, :-1, 1:]):
        np.einsum("pii->pi", offset)[...] = np.sqrt(beta2[: steps - 1, 0].T)
    # steps times the last change that Newton's method may make, and LAPACK's rounding
    np.testing.assert_allclose(theta[0], np.linalg.eigvalsh(T)[:, -1], rtol=steps * lanczos.RULE.newton_error + 1e-14)


def test_the_kernel_takes_the_steps_of_the_definition(kernels_on_cpu):
    """Number by number, as long as none is done."""
    M, tracks = gram(2, 3, 9, 9, seed=3), []
    for place in (PLACES["numpy"], PLACES["quiet"]):
        iteration, steps = iterate(M, place, v=np.ones(9), steps=3)
        tracks.append([to_host(x) for x in iteration])
    assert steps == 3 and np.isnan(tracks[0][-1]).all()
    for x, y in zip(*tracks, strict=True):
        np.testing.assert_allclose(x, y, rtol=1e-9, atol=1e-9)  # three steps, each of which amplifies rounding


@needs_compiler
def test_no_lane_reads_what_another_may_have_written(tmp_path):
    made = ", ".join(f"{name} = some<double>({size})" for name, size in ARGUMENTS.items())
    launch = f"launch(1, 1, 0, {', '.join(f'{name}.data()' for name in ARGUMENTS)}, 2, 6)"
    main = f"int main() {{ auto {made}; for (auto& x : found) x = NAN; {launch}; }}"
    cuda_on_cpu.assert_no_race(tmp_path, "advance", lanczos_cuda.definitions(5) + lanczos_cuda.SOURCE, main)


def test_what_is_cut_is_what_was_there(place):
    iteration = lanczos.begin(place(np.arange(1.0, 6)), place(np.arange(24.0).reshape(2, 3, 4)))
    steps, cut = lanczos.RULE.steps, lanczos.cut(iteration, 1, 2)
    assert [x.shape for x in cut[1:]] == [(1, 3, 2, 5)] * 2 + [(steps, 1, 3, 2)] * 2 + [(1, 3, 2)] * 3
    np.testing.assert_array_equal(to_host(cut.rho), to_host(iteration.rho)[:1, :, :2])
    cut.v[...] = 0
    assert to_host(iteration.v)[0, 0, 0, 1] == 2
