"""Geometric fits and time scales of profiles whose decay is known, and against SciPy's least squares."""

import numpy as np
import pytest
from scipy.stats import linregress

from engine.measures.geometric import fit, horizon, kernel, time_scale, time_scale_of_mean_lag


def geometric(beta, T, start=0.0):
    return start + np.log(beta) * np.arange(T)


def test_a_geometric_profile_gives_its_own_rate():
    log_p = np.stack([geometric(0.8, 50, start=-3), geometric(1.1, 50), geometric(1e-8, 50)])
    log_p[:, 0] = 7  # lag 0 does not enter
    found = fit(log_p)
    np.testing.assert_allclose(np.exp(found.rate), [0.8, 1.1, 1e-8], rtol=1e-12)
    np.testing.assert_allclose(found.intercept, [-3, 0, 0], atol=1e-11)  # logs reach 900, in doubles 1e-13 apart
    np.testing.assert_allclose(found.r_squared, 1, atol=1e-12)
    assert (found.lags == 49).all()
    np.testing.assert_allclose(kernel(found, 50)[:, 1:], log_p[:, 1:], atol=1e-11)


def test_a_noisy_profile_gives_what_scipy_gives_and_lags_without_value_are_left_out():
    rng = np.random.default_rng(3)
    log_p = geometric(0.7, 40) + rng.normal(size=(2, 3, 40))
    log_p[0, 1, [5, 39]] = -np.inf
    found = fit(log_p)
    for i in np.ndindex(2, 3):
        h = np.flatnonzero(np.isfinite(log_p[i]))[1:]
        expected = linregress(h, log_p[i][h])
        # two algorithms for the same 39 points
        assert found.rate[i] == pytest.approx(expected.slope, rel=1e-11)
        assert found.intercept[i] == pytest.approx(expected.intercept, rel=1e-10)
        assert found.r_squared[i] == pytest.approx(expected.rvalue**2, rel=1e-11)
    assert found.lags.tolist() == [[39, 37, 39], [39, 39, 39]]


def test_what_cannot_be_fitted_is_nan_and_counted():
    nothing, one, constant = np.full(6, -np.inf), np.array([0, -1, *[-np.inf] * 4]), np.full(6, -0.3)
    found = fit(np.stack([nothing, one, constant]))
    assert found.lags.tolist() == [0, 1, 5]
    assert np.isnan(found.rate[:2]).all()
    assert found.rate[2] == pytest.approx(0, abs=1e-16)
    assert np.isnan(found.r_squared).all()  # a constant has no variation to explain


def test_horizon_is_the_last_lag_within_a_factor_two_of_the_same_start():
    p = geometric(0.5, 30, start=-4)
    assert horizon(p, geometric(0.5, 30, start=9)) == 29
    # 0.8^(h-1) parts from 0.5^(h-1) by a factor 1.6^(h-1): 1.6 at h = 2, 2.56 at h = 3
    assert horizon(p, geometric(0.8, 30)) == 2
    ends = p.copy()
    ends[10:] = -np.inf
    assert horizon(p, ends) == 9
    nothing, silent_start = np.full(30, -np.inf), p.copy()
    assert np.isnan([horizon(p, nothing), horizon(nothing, p)]).all()
    silent_start[0] = -np.inf  # lag 0 does not enter
    assert horizon(silent_start, p) == horizon(p, silent_start) == 29
    silent_end = p.copy()
    silent_end[1] = -np.inf
    assert np.isnan([horizon(p, silent_end), horizon(silent_end, p)]).all(), "no value at lag 1"
    returns = p.copy()
    returns[5] += 1  # one lag apart, though the later ones agree
    assert horizon(p, returns) == 4


def test_time_scales_say_growth_and_no_decay_and_clip_nothing():
    with np.errstate(all="raise"):
        found = time_scale(np.array([-0.5, 0.25, 0.0, -np.inf, np.nan]))
    np.testing.assert_array_equal(found, [2, -4, -np.inf, 0, np.nan])
    assert np.isinf(found[2])


def test_mean_lag_gives_the_time_scale_of_a_geometric_profile_whatever_its_size():
    for beta in (0.1, 0.5, 0.9):
        log_p = geometric(beta, 400, start=-800)
        # what lies beyond lag 400 is 0.9^400 = 5e-19 of the whole
        assert time_scale_of_mean_lag(log_p) == pytest.approx(-1 / np.log(beta), rel=1e-12)
    flat = time_scale_of_mean_lag(np.zeros(101))
    assert flat == pytest.approx(1 / np.log1p(1 / 50))  # mean lag 50
    assert time_scale_of_mean_lag(np.array([0, -np.inf, -np.inf])) == 0
    assert np.isnan(time_scale_of_mean_lag(np.full(5, -np.inf)))


def test_mean_lag_sees_the_first_lags_where_the_fit_sees_the_last():
    """Two modes: most of the gradient decays fast, a thousandth of it slowly."""
    h = np.arange(300)
    log_p = np.log(0.3**h + 1e-3 * 0.95**h)
    assert time_scale(fit(log_p).rate) == pytest.approx(
        -1 / np.log(0.95), rel=0.1
    )  # most of 300 lags are the slow mode
    assert time_scale_of_mean_lag(log_p) < 0.1 * time_scale(fit(log_p).rate)
