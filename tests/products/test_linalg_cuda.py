"""The CUDA kernels of singular values and QR factors, run on a CPU, against LAPACK and high precision."""

import cuda_on_cpu
import mpmath
import numpy as np
import pytest
from conftest import needs_compiler

from engine.common import cuda
from engine.products import linalg_cuda
from engine.products.linalg_cuda import HOUSEHOLDER, JACOBI, qr, shared_bytes, singular_values, threads_of_a_block


def matrices(N, count=2, seed=0):
    return np.random.default_rng(seed).normal(size=(count, N, N))


@pytest.mark.parametrize("N", [1, 2, 5, 8, 17])
def test_singular_values_and_vectors_equal_lapack_s(kernels_on_cpu, N):
    X = matrices(N).reshape(2, 1, N, N)
    s, V = singular_values(X, vectors=True)
    expected = np.linalg.svdvals(X)
    # LAPACK's own error, a few roundings of s_1
    np.testing.assert_allclose(s, expected, rtol=0, atol=1e-14 * N**0.5 * expected[..., :1].max())
    np.testing.assert_array_equal(singular_values(X), s)
    np.testing.assert_allclose(V @ np.swapaxes(V, -1, -2), np.broadcast_to(np.eye(N), X.shape), atol=1e-14)
    # X v_i has the norm s_i, and these are orthogonal
    images = X @ np.swapaxes(V, -1, -2)
    np.testing.assert_allclose(np.swapaxes(images, -1, -2) @ images, s[..., None] ** 2 * np.eye(N), atol=1e-13 * N)


def test_rows_of_any_scale_keep_their_relative_accuracy(kernels_on_cpu):
    """To 1e-130 of the largest, where LAPACK's values are noise below 1e-16."""
    N = 6
    X = 10.0 ** -(26.0 * np.arange(N))[:, None] * matrices(N, 1)[0]
    with mpmath.workdps(320):
        expected = [float(s) for s in mpmath.svd_r(mpmath.matrix(X.tolist()), compute_uv=False)]
    # rounding times the condition of the rows at unit norm, here below 100
    np.testing.assert_allclose(singular_values(X), expected, rtol=1e-13)


HARD = {
    "zero": np.zeros((4, 4)),
    "one": np.eye(4),
    "rank one": np.outer([1.0, 2, 3, 4], [1, -1, 1, 0.5]),
    "equal rows": np.ones((4, 4)),
    "a zero row": np.diag([1.0, 0, 3, 2]),
    "pairs of equal values": np.linalg.qr(matrices(4)[0])[0]
    @ np.diag([2.0, 2, 1, 1])
    @ np.linalg.qr(matrices(4)[1])[0],
}


@pytest.mark.parametrize("name", HARD)
def test_hard_matrices(kernels_on_cpu, name):
    X = HARD[name]
    s, V = singular_values(X, vectors=True)
    np.testing.assert_allclose(s, np.linalg.svdvals(X), rtol=0, atol=1e-14)
    found = s > 1e-14
    np.testing.assert_allclose((V @ V.T)[np.ix_(found, found)], np.eye(found.sum()), atol=1e-14)


def test_what_is_not_found_is_nan(kernels_on_cpu, monkeypatch):
    X = matrices(5)
    monkeypatch.setattr(linalg_cuda, "SWEEPS", 1)
    assert np.isnan(singular_values(X)).all()


@pytest.mark.parametrize("bad", [np.nan, np.inf])
def test_a_matrix_that_is_not_finite_is_nan_and_leaves_the_others_alone(kernels_on_cpu, bad):
    X = matrices(4, 3)
    expected = singular_values(X, vectors=True)
    X[1, 2, 2] = bad
    for found, sound in zip(singular_values(X, vectors=True), expected, strict=True):
        np.testing.assert_array_equal(found[[0, 2]], sound[[0, 2]])
        assert np.isnan(found[1]).all()


@pytest.mark.parametrize("N", [1, 2, 5, 8, 17])
def test_factors_multiply_to_the_matrix(kernels_on_cpu, N):
    X = matrices(N).reshape(1, 2, N, N)
    Q, R = qr(X)
    np.testing.assert_allclose(Q @ R, X, atol=1e-14 * N)
    np.testing.assert_allclose(np.swapaxes(Q, -1, -2) @ Q, np.broadcast_to(np.eye(N), X.shape), atol=1e-14)
    assert not np.tril(R, -1).any()


def test_factors_of_a_singular_matrix(kernels_on_cpu):
    for X in (np.zeros((3, 3)), np.ones((3, 3)), np.diag([1.0, 0, 2])):
        Q, R = qr(X)
        np.testing.assert_allclose(Q @ R, X, atol=1e-15)
        np.testing.assert_allclose(Q.T @ Q, np.eye(3), atol=1e-15)


def test_factors_of_columns_whose_squares_underflow(kernels_on_cpu):
    scales = 10.0 ** -np.array([0, 100, 160, 250])
    Q, R = qr(matrices(4, 1)[0] * scales)
    np.testing.assert_allclose(Q @ (R / scales), matrices(4, 1)[0], atol=1e-14)
    np.testing.assert_allclose(Q.T @ Q, np.eye(4), atol=1e-14)


def test_only_matrices_that_fit_come_here(monkeypatch):
    """On an H100, and on a device whose blocks share 64 KB."""
    monkeypatch.setattr(cuda, "on_gpu", lambda x: True)
    for most, fits in ((227 * 1024, [5, 64, 128]), (64 * 1024, [5, 64])):
        monkeypatch.setattr(cuda, "most_shared_bytes", lambda most=most: most)
        assert [N for N in (5, 64, 128, 200) if linalg_cuda.has_kernel(np.zeros((2, N, N)))] == fits
    assert not linalg_cuda.has_kernel(np.zeros((4, 4), np.float32))
    assert not linalg_cuda.has_kernel(np.zeros((4, 3)))


RACES = {
    "singular_values": (JACOBI, {"VECTORS": 1, "SWEEPS": 4, "SMALLEST": 1e-140}),
    "qr": (HOUSEHOLDER, {}),
}


@needs_compiler
@pytest.mark.parametrize("name", RACES)
def test_no_thread_reads_what_another_may_be_writing(tmp_path, name):
    N, (source, options) = 5, RACES[name]
    sizes = cuda.definitions(N=N, THREADS=threads_of_a_block(N), **options)
    made = "X = some<double>(2 * N * N), first = some<double>(2 * N * N), second = some<double>(2 * N * N)"
    launch = f"launch(2, 1, {shared_bytes(N)}, X.data(), first.data(), second.data())"
    cuda_on_cpu.assert_no_race(tmp_path, name, sizes + source, f"int main() {{ auto {made}; {launch}; }}")
