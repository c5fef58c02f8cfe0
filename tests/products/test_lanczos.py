"""The largest eigenvalue by Lanczos iteration on any arrays, and by the CUDA kernel, against LAPACK."""

import numpy as np
import pytest
from conftest import PLACES

from engine.common.backend import to_host
from engine.products import lanczos, lanczos_cuda

TOLERANCE = 1e-10


def largest_eigenvalues(M, place, v=None, steps=40):
    """(k, t) of M (k, t, H, H) and how many steps it took."""
    x, H = place(M), M.shape[-1]
    v = np.random.default_rng(1).normal(size=H) if v is None else v
    iteration = lanczos.begin(place(np.broadcast_to(v / np.linalg.norm(v), M.shape[:-1])), steps)
    advance = (lanczos_cuda if lanczos_cuda.has_kernel(x) else lanczos).advance
    for step in range(steps):
        w = to_host(x @ iteration.v[..., None])[..., 0]
        alpha = (w * to_host(iteration.v)).sum(axis=-1)
        advance(iteration, step, place(alpha), place(w), TOLERANCE)
        if not np.isnan(to_host(iteration.found)).any():
            break
    return to_host(iteration.found), step + 1


def gram(*shape, seed=0):
    X = np.random.default_rng(seed).normal(size=shape)
    return X @ X.mT


@pytest.mark.parametrize("H", [1, 2, 7, 8, 20])
def test_random_matrices(place_or_kernels, H):
    M = gram(3, 4, H, H)
    found, steps = largest_eigenvalues(M, place_or_kernels)
    np.testing.assert_allclose(found, np.linalg.eigvalsh(M)[..., -1], rtol=1e-13)
    assert steps <= H + 1


HARD = {
    "zero": np.zeros((4, 4)),
    "one": np.eye(4),
    "two equal": np.diag([3.0, 3.0, 1.0, 0.0]),
    "two nearly equal": np.diag([1.0, 1 - 1e-9, 0.3, 0.1]),
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
    # Where eigenvalues all but coincide, TOLERANCE is what is left.
    np.testing.assert_allclose(found, np.linalg.eigvalsh(M)[..., -1], rtol=TOLERANCE)


def test_an_eigenvector_to_start_from(place_or_kernels):
    found, steps = largest_eigenvalues(np.diag([3.0, 2.0, 1.0])[None, None], place_or_kernels, v=np.array([1.0, 0, 0]))
    assert found.item() == 3 and steps == 1


def test_what_is_not_finite_is_not_found(place_or_kernels):
    M = gram(1, 2, 4, 4)
    M[0, 0, 1, 1] = np.nan
    found, steps = largest_eigenvalues(M, place_or_kernels, steps=8)
    assert np.isnan(found[0, 0]) and steps == 8
    np.testing.assert_allclose(found[0, 1], np.linalg.eigvalsh(M[0, 1])[-1], rtol=1e-13)


def test_the_kernel_takes_the_steps_of_the_definition(kernels_on_cpu):
    """Number by number, until the first is done."""
    M, tracks = gram(2, 3, 9, 9, seed=3), []
    for place in (PLACES["numpy"], PLACES["quiet"]):
        v = np.full(M.shape[:-1], 1 / 3)
        iteration = lanczos.begin(place(v), 5)
        for step in range(5):
            w = (M @ to_host(iteration.v)[..., None])[..., 0]
            advance = (lanczos_cuda if lanczos_cuda.has_kernel(iteration.v) else lanczos).advance
            advance(iteration, step, place((w * to_host(iteration.v)).sum(axis=-1)), place(w), TOLERANCE)
        tracks.append([to_host(x) for x in iteration])
    for x, y in zip(*tracks, strict=True):
        np.testing.assert_allclose(x, y, rtol=1e-9, atol=1e-9)  # five steps, each of which amplifies rounding


def test_restricting_keeps_what_was_there(place):
    iteration = lanczos.begin(place(np.arange(2.0 * 3 * 4 * 5).reshape(2, 3, 4, 5)), 6)
    kept = lanczos.restrict(iteration, 1, 2)
    assert [x.shape for x in kept] == [(1, 3, 2, 5)] * 2 + [(6, 1, 3, 2)] * 2 + [(1, 3, 2)] * 3
    np.testing.assert_array_equal(to_host(kept.v), to_host(iteration.v)[:1, :, :2])
    kept.v[...] = 0
    assert to_host(iteration.v)[0, 0, 0, 1] == 1
