"""Medians in logs and line fits against NumPy's."""

import numpy as np
import pytest
from scipy.stats import spearmanr

from engine.common.backend import to_host
from engine.common.statistics import line_fit, log_mean, log_median, quantiles, rank_correlation


@pytest.mark.parametrize("n", [1, 2, 7, 8])
def test_log_median_is_the_log_of_the_median(n):
    x = np.random.default_rng(n).lognormal(size=(3, n, 2))
    np.testing.assert_allclose(log_median(np.log(x), axis=1), np.log(np.median(x, axis=1)), rtol=1e-14, atol=1e-15)


def test_log_median_below_the_smallest_float():
    """The median of e^-2000 and e^-1999 is the mean of both."""
    assert log_median(np.array([-2000.0, -1999.0]), axis=0) == pytest.approx(-1999 + np.log((1 + np.exp(-1)) / 2))
    assert log_median(np.array([-np.inf, -np.inf]), axis=0) == -np.inf


def test_log_median_of_what_is_not_known_is_not_known(place):
    log_x = np.log([[1.0, 2, 3, 4, np.nan], [1, 2, 3, 4, 5], [1, np.inf, np.inf, 2, np.inf]])
    np.testing.assert_allclose(to_host(log_median(place(log_x), axis=1)), [np.nan, np.log(3), np.inf], rtol=1e-15)


def test_line_fit_equals_polyfit():
    rng = np.random.default_rng(0)
    x = rng.normal(3, 2, 500)
    y = 1.7 * x - 4 + rng.normal(size=500)
    slope, intercept, r_squared = line_fit(x, y)
    np.testing.assert_allclose([slope, intercept], np.polyfit(x, y, 1), rtol=1e-12)
    assert r_squared == pytest.approx(np.corrcoef(x, y)[0, 1] ** 2, rel=1e-12)


def test_line_fit_takes_what_is_used_of_each_row(place):
    rng = np.random.default_rng(0)
    x, y, used = rng.normal(size=(3, 50)), rng.normal(size=(3, 50)), rng.random((3, 50)) < 0.5
    y[~used] = np.nan
    found = np.array([to_host(part) for part in line_fit(place(x), place(y), place(used))])
    for i in range(3):
        np.testing.assert_allclose(found[:, i], line_fit(x[i, used[i]], y[i, used[i]]), rtol=1e-12)


def test_line_fit_explains_no_variation_that_is_rounding():
    slope, _, r_squared = line_fit(np.arange(9.0), -700 * (1 + 2e-16 * np.arange(9) % 2))
    assert abs(slope) < 1e-12 and np.isnan(r_squared)
    assert np.isnan(line_fit(np.full(3, 0.1), np.array([1.0, 2.0, 4.0]))).all(), "nor a slope"


def test_rank_correlation_is_spearmans_of_each_row():
    rng = np.random.default_rng(1)
    x, y = rng.normal(size=(4, 1, 15)), rng.integers(0, 5, (3, 15)).astype(float)  # y has ties
    expected = [[spearmanr(a, b).statistic for b in y] for a in x[:, 0]]
    np.testing.assert_allclose(rank_correlation(x, y), expected, rtol=1e-13)


def test_rank_correlation_of_what_does_not_vary_or_is_not_known_is_nan():
    x = np.arange(6.0)
    rounding, unknown, infinite = 0.1 * (1 + 2e-16 * x), np.where(x == 2, np.nan, x), np.where(x == 2, np.inf, x)
    for y in (np.full(6, 0.1), rounding, unknown, infinite):
        assert np.isnan(rank_correlation(x, y)) and np.isnan(rank_correlation(y, x))


@pytest.mark.parametrize("n", [1, 2, 11, 100])
def test_quantiles_equal_numpy_s(place, n):
    x, q = np.random.default_rng(n).normal(size=(2, 3, n)), (0, 0.01, 0.3, 0.5, 0.99, 1)
    expected = np.moveaxis(np.quantile(x, q, axis=-1), 0, -1)
    np.testing.assert_allclose(to_host(quantiles(place(x), q)), expected, rtol=1e-13)
    x[0, 1, 0] = np.nan
    np.testing.assert_array_equal(np.isnan(to_host(quantiles(place(x), q)))[..., 0], np.isnan(x).any(axis=-1))


def test_quantiles_of_the_smallest(place):
    x = np.array([[5.0, np.inf, 1, 3], [4, 2, np.inf, np.inf]])
    found = to_host(quantiles(place(x), (0, 0.5, 1), place(np.array([3, 2]))))
    np.testing.assert_array_equal(found, [[1, 3, 5], [2, 3, 4]])
    assert np.isposinf(to_host(quantiles(place(x), (1.0,)))).all()


def test_line_fit_of_a_single_abscissa_has_no_slope():
    assert np.isnan(line_fit(np.ones(5), np.arange(5.0))).all()


def test_log_mean_is_the_log_of_the_mean(place):
    x = np.random.default_rng(0).lognormal(size=(3, 5, 4))
    np.testing.assert_allclose(to_host(log_mean(place(np.log(x)), axis=1)), np.log(x.mean(axis=1)), atol=1e-14)


def test_log_mean_below_the_smallest_float():
    assert log_mean(np.array([-2000.0, -1999.0]), axis=0) == pytest.approx(-1999 + np.log((1 + np.exp(-1)) / 2))
    assert log_mean(np.array([-np.inf, -np.inf]), axis=0) == -np.inf
