"""[ANI.G] against loops and a singular value decomposition in 50 digits."""

import mpmath as mp
import numpy as np
import pytest
from conftest import make_example, small_cell

from engine.common.backend import to_host
from engine.measures.gradient_spectrum import RELATIVE_ERROR, flat_rows, gradient_spectrum
from engine.network.unroll import per_sample_gradients


def exact_spectrum(rows):
    """Singular values in 50 digits by docs/theory.md: unit rows, centred columns, constant columns dropped."""
    with mp.workdps(50):
        kept = [[mp.mpf(float(x)) for x in row] for row in rows if np.any(row)]
        unit = [[x / mp.sqrt(mp.fsum(y * y for y in row)) for x in row] for row in kept]
        columns = [column for column in zip(*unit, strict=True) if len(set(column)) > 1]
        centred = [[x - mp.fsum(column) / len(column) for x in column] for column in columns]
        return [float(s) for s in mp.svd_r(mp.matrix(centred), compute_uv=False)]


def random_rows(members=2, samples=7, parameters=11, seed=2):
    rng = np.random.default_rng(seed)
    return rng.standard_normal((members, samples, parameters)) + 2 * rng.standard_normal((members, 1, parameters))


@pytest.mark.parametrize("samples, parameters", [(7, 11), (11, 7)])
def test_spectrum_equals_the_definition_in_50_digits(samples, parameters, place):
    rows = random_rows(samples=samples, parameters=parameters)
    rows[:, :, 3] = 0  # a channel that is always 0
    rows[1, 2] = 0  # a sample without a gradient
    s, energy, dropped = (to_host(x) for x in gradient_spectrum([place(rows[:, :3]), place(rows[:, 3:])], 3))
    assert dropped.tolist() == [0, 1]
    for m in range(2):
        expected = np.array(exact_spectrum(rows[m]))
        resolved = ~np.isnan(s[m])
        # the smallest value is some 0.1 of the largest here: the Gram matrix keeps it to 1e-14
        np.testing.assert_allclose(s[m, resolved], expected[: resolved.sum()], rtol=1e-12)
        assert (expected[resolved.sum() :] < 1e-30).all()
        assert energy[m] == pytest.approx((expected**2).sum(), rel=1e-13)


def test_a_constant_column_that_is_not_zero_adds_nothing():
    rows = np.abs(random_rows(members=1))
    rows[0, :, :] /= np.linalg.norm(rows[0], axis=1, keepdims=True)
    with_constant = np.concatenate([rows, np.ones((1, 7, 1))], axis=2)  # unit rows and a column of 1: 1/sqrt(2) each
    s, _, _ = gradient_spectrum([with_constant], 3)
    alone, _, _ = gradient_spectrum([rows], 3)
    np.testing.assert_allclose(s[0, :6], alone[0, :6] / np.sqrt(2), rtol=1e-13)  # rounding of 7 rows
    assert np.isnan(s[0, 6])


def graded_rows(ratio, samples=7, parameters=11):
    """Unit rows around one direction whose deviations shrink by `ratio` from one direction to the next."""
    Q = np.linalg.qr(np.random.default_rng(4).standard_normal((parameters, parameters)))[0]
    weights = np.random.default_rng(5).uniform(0.5, 1, (samples, samples)) * ratio ** np.arange(samples)
    return (weights @ Q[:samples] + Q[samples])[None]


@pytest.mark.parametrize("ratio", [0.3, 1e-1, 1e-2, 1e-3])
@pytest.mark.parametrize("r", [2, 5])
def test_what_is_not_flagged_is_accurate(ratio, r):
    """From a spectrum that the Gram matrix resolves, to one for which the decomposition itself has to give up."""
    rows = graded_rows(ratio)
    s, _, _ = gradient_spectrum([rows], r)
    expected = np.array(exact_spectrum(rows[0]))
    resolved = ~np.isnan(s[0])
    assert np.abs(s[0, resolved] / expected[resolved] - 1).max() < RELATIVE_ERROR
    # What could be had is had: s_i below 1e-8 of the rows' norm, sqrt(7), is what double precision cannot resolve.
    reachable = expected[:r] > 1e-8 * 7**0.5
    assert resolved[:r][reachable].all()


@pytest.mark.parametrize("scale", [2.0**-700, 2.0**500])
def test_the_size_of_the_gradients_does_not_matter(scale):
    rows = random_rows()
    for found, expected in zip(gradient_spectrum([scale * rows], 3), gradient_spectrum([rows], 3), strict=True):
        np.testing.assert_array_equal(found, expected)


@pytest.mark.parametrize("rows", [np.zeros((1, 7, 11)), np.broadcast_to(random_rows()[:1, :1], (1, 7, 11))])
def test_no_gradients_or_equal_ones_have_no_spectrum(rows):
    s, _, dropped = gradient_spectrum([rows], 3)
    assert np.isnan(s).all()
    assert dropped == (0 if rows.any() else 7)


def test_rows_are_the_gradients_over_all_weights():
    cell = small_cell("multi")
    parameters, u, y = make_example(cell)
    gradients = per_sample_gradients(cell, parameters, u, y)
    rows = flat_rows(gradients)
    for m, b in np.ndindex(rows.shape[:2]):
        by_hand = np.concatenate([gradients.W[m, b].ravel(), gradients.W_o[m, b].ravel()])
        np.testing.assert_array_equal(rows[m, b], by_hand)
