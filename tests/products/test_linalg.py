"""Decompositions on any arrays, and by the CUDA kernels where those take them, against NumPy's."""

import numpy as np
import pytest

from engine.common.backend import to_host
from engine.products import linalg

ROUNDING = {"rtol": 0, "atol": 1e-13}


def stacks(H=6, seed=0):
    return np.random.default_rng(seed).normal(size=(2, 3, H, H))


@pytest.mark.parametrize("scale", [1.0, 1e-200, 1e200])
def test_singular_values(place_or_kernels, scale):
    X = stacks()
    np.testing.assert_allclose(
        to_host(linalg.singular_values(place_or_kernels(scale * X))) / scale, np.linalg.svdvals(X), **ROUNDING
    )


def test_a_zero_matrix_among_others(place_or_kernels):
    X = stacks()
    X[1, 1] = 0
    found = to_host(linalg.singular_values(place_or_kernels(X)))
    assert not found[1, 1].any()
    np.testing.assert_allclose(found, np.linalg.svdvals(X), **ROUNDING)


def test_matrices_that_are_not_square(place_or_kernels):
    X = stacks()[..., :4]
    np.testing.assert_allclose(to_host(linalg.singular_values(place_or_kernels(X))), np.linalg.svdvals(X), **ROUNDING)


def test_float32_stays_so(place_or_kernels):
    X = stacks().astype("float32")
    found = to_host(linalg.singular_values(place_or_kernels(X)))
    assert found.dtype == np.float32
    np.testing.assert_allclose(found, np.linalg.svdvals(X), atol=1e-5)


def test_left_singular_vectors(place_or_kernels):
    X = stacks()
    U, s = map(to_host, linalg.left_singular_vectors(place_or_kernels(X)))
    np.testing.assert_allclose(s, np.linalg.svdvals(X), **ROUNDING)
    # U^T X X^T U is diagonal and holds s^2
    np.testing.assert_allclose(U.mT @ X @ X.mT @ U, s[..., None] ** 2 * np.eye(6), atol=1e-12)
    np.testing.assert_allclose(U.mT @ U, np.broadcast_to(np.eye(6), X.shape), **ROUNDING)


def test_spectral_norm(place_or_kernels):
    X = stacks()
    np.testing.assert_allclose(
        to_host(linalg.spectral_norm(place_or_kernels(X))), np.linalg.norm(X, 2, axis=(-2, -1)), rtol=1e-14
    )


def test_symmetric_eigenvalues(place_or_kernels):
    X = stacks()
    np.testing.assert_allclose(
        to_host(linalg.symmetric_eigenvalues(place_or_kernels(X + X.mT))), np.linalg.eigvalsh(X + X.mT), **ROUNDING
    )


def test_qr(place_or_kernels):
    X = stacks()
    Q, R = map(to_host, linalg.qr(place_or_kernels(X)))
    np.testing.assert_allclose(Q @ R, X, **ROUNDING)
    np.testing.assert_allclose(Q.mT @ Q, np.broadcast_to(np.eye(6), X.shape), **ROUNDING)
    assert not np.tril(R, -1).any()


@pytest.mark.parametrize("columns", [6, 2])
def test_orthonormal_columns_and_the_diagonal_of_r(place_or_kernels, columns):
    X = stacks()[..., :columns]
    X[1, 1] = 0
    Q, diagonal = map(to_host, linalg.orthonormal(place_or_kernels(X)))
    np.testing.assert_allclose(Q.mT @ Q, np.broadcast_to(np.eye(columns), (2, 3, columns, columns)), **ROUNDING)
    R = Q.mT @ X
    np.testing.assert_allclose(diagonal, np.diagonal(R, axis1=-2, axis2=-1), **ROUNDING)
    np.testing.assert_allclose(Q @ np.triu(R), X, **ROUNDING)


def test_rows_of_any_scale(place_or_kernels):
    """diag(scales) times an orthogonal matrix: the scales are the singular values, and the rows are orthogonal."""
    scales = np.array([[1, 1e-20, 1e-50, 1e-100], [1e3, 1e-3, 1e-3, 0]])
    X = scales[..., None] * np.linalg.qr(stacks(4)[0, :2])[0]
    s, condition = map(to_host, linalg.row_scaled_singular_values(place_or_kernels(X)))
    np.testing.assert_allclose(s[0], scales[0], rtol=1e-13)
    np.testing.assert_allclose(s[1, :3], scales[1, :3], rtol=1e-13)
    assert 0.9 < condition[0] < 10


def test_a_tiny_row_leaves_the_others_alone(place_or_kernels):
    """Of 1e-170, whose square is 0: its own value may be missing."""
    X = np.array([1, 1e-20, 1e-170])[:, None] * np.linalg.qr(stacks(3)[0, :1])[0]
    s, condition = map(to_host, linalg.row_scaled_singular_values(place_or_kernels(X)))
    np.testing.assert_allclose(s[0, :2], [1, 1e-20], rtol=1e-13)
    assert np.isnan(s[0, 2]) or s[0, 2] == pytest.approx(1e-170, rel=1e-13)
    assert 0.9 < condition[0] < 10


def test_a_condition_that_is_bad_is_told(place_or_kernels):
    X = np.array([[[1.0, 1.0], [1.0, 1.0 + 1e-9]]])
    _, condition = linalg.row_scaled_singular_values(place_or_kernels(X))
    assert 1e8 < float(condition[0]) < 1e10
