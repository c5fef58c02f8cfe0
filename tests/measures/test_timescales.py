"""[TAU.*] where the time scales are known: constant gates, geometric gradients, a coupling put in by hand."""

import numpy as np
import pytest
from scipy.stats import linregress, spearmanr

from engine.measures import timescales
from engine.measures.lag_profiles import GradientNorms


def profiles(tau, T):
    """log of profiles that decay with the time scales tau (...,), as (..., lag)."""
    return -np.arange(T) / np.asarray(tau)[..., None]


def test_a_constant_gate_has_the_time_scale_of_its_formula():
    alpha, units = 0.8, 5
    log_retained = np.full((7, 2, 1, 3), np.log1p(-alpha))
    expected = -1 / np.log(1 - alpha)
    np.testing.assert_allclose(
        timescales.state_time_scales(log_retained, units), np.full((2, units), expected), rtol=1e-14
    )
    np.testing.assert_allclose(timescales.state_quantiles(log_retained), np.full((2, 5), expected), rtol=1e-14)


def test_a_gate_that_retains_nothing_has_time_scale_zero():
    assert (timescales.state_time_scales(np.full((7, 1, 1, 3), -np.inf), 2) == 0).all()


def test_state_time_scale_is_that_of_the_retention_product():
    """The product over the run falls as exp(-T / tau) does."""
    rng = np.random.default_rng(0)
    g = rng.uniform(0.05, 0.9, (11, 2, 4, 3))
    tau = timescales.state_time_scales(np.log1p(-g), 4)
    product = np.exp(np.log(np.prod(1 - g, axis=0)).mean(axis=2))  # geometric mean over samples
    np.testing.assert_allclose(np.exp(-11 / tau), product, rtol=1e-12)


def test_quantiles_are_over_units_time_and_samples():
    rng = np.random.default_rng(1)
    g = rng.uniform(0.05, 0.9, (11, 2, 4, 3))
    for m in range(2):
        tau = -1 / np.log(1 - g[:, m])
        np.testing.assert_allclose(
            timescales.state_quantiles(np.log1p(-g))[m], np.quantile(tau, timescales.QUANTILES), rtol=1e-12
        )


def test_all_quantities_of_known_decays():
    T, units = 400, 6
    rng = np.random.default_rng(2)
    state = rng.uniform(1, 9, (2, units))
    by_unit, by_weight, transport = 3 * state**0.5, np.array([[4.0, 5.0], [6.0, 7.0]]), np.array([8.0, 9.0])
    norms = GradientNorms(profiles(by_weight, T), profiles(by_unit, T))
    log_retained = np.broadcast_to((-1 / state)[None, :, :, None], (T, 2, units, 3))
    found = timescales.time_scales(log_retained, profiles(transport, T), norms, units, own_gates=True)
    assert found.keys() == timescales.QUANTITIES.keys()
    np.testing.assert_allclose(found["tau_state"], state, rtol=1e-12)
    np.testing.assert_allclose(found["tau_transport"], transport, rtol=1e-12)
    for e in range(2):  # both estimators agree where the decay is geometric; beyond lag 400 lies exp(-44)
        np.testing.assert_allclose(found["tau_parameter"][:, e], by_weight, rtol=1e-12)
        np.testing.assert_allclose(found["tau_parameter_unit"][:, e], by_unit, rtol=1e-12)
        np.testing.assert_allclose(found["coupling_exponent"][:, e], 0.5, rtol=1e-10)
        np.testing.assert_allclose(found["coupling_rank_correlation"][:, e], 1, rtol=1e-14)
        slopes = [linregress(s, p).slope for s, p in zip(state, by_unit, strict=True)]
        np.testing.assert_allclose(found["coupling_slope"][:, e], slopes, rtol=1e-10)
    assert (found["coupled_units"] == units).all()
    assert (found["tau_parameter_lags"] == T - 1).all() and (found["tau_parameter_unit_lags"] == T - 1).all()
    np.testing.assert_allclose(found["tau_parameter_r_squared"], 1, atol=1e-12)


def test_one_gate_for_all_units_has_no_coupling_over_units():
    norms = GradientNorms(profiles([[4.0]], 50), profiles([[4.0, 5.0, 6.0]], 50))
    found = timescales.time_scales(np.full((50, 1, 1, 3), -0.5), profiles([3.0], 50), norms, 3, own_gates=False)
    assert found["tau_state"].tolist() == [[2, 2, 2]]
    for name in ("coupled_units", "coupling_slope", "coupling_exponent", "coupling_rank_correlation"):
        assert np.isnan(found[name]).all()


def test_units_without_decay_are_left_out_of_the_coupling_and_counted():
    rng = np.random.default_rng(3)
    state, parameter = rng.uniform(1, 9, 12), rng.uniform(1, 9, 12)
    proper = np.arange(12) > 3
    parameter[:4] = [-5, np.inf, np.nan, 0]
    count, slope, exponent, rank = timescales.coupling(state, parameter)
    assert count == 8
    assert slope == pytest.approx(linregress(state[proper], parameter[proper]).slope)
    assert exponent == pytest.approx(linregress(np.log(state[proper]), np.log(parameter[proper])).slope)
    assert rank == pytest.approx(spearmanr(state[proper], parameter[proper]).statistic)
    assert np.isnan(timescales.coupling(np.full(12, 2.0), np.arange(1.0, 13.0))[1:]).all()


def test_lags_without_gradient_are_left_out_of_the_decay_and_counted():
    by_weight, by_unit = profiles([[4.0, 5.0]], 50), profiles([[4.0, 5.0, 6.0]], 50)
    by_weight[0, 1, 30:], by_unit[0, 2, 45:] = -np.inf, -np.inf
    norms = GradientNorms(by_weight, by_unit)
    found = timescales.time_scales(np.full((50, 1, 1, 3), -0.5), profiles([3.0], 50), norms, 3, own_gates=False)
    assert found["tau_parameter_lags"].tolist() == [[49, 29]]
    assert found["tau_parameter_unit_lags"].tolist() == [[49, 49, 44]]
    np.testing.assert_allclose(found["tau_parameter"][0, 0], [4, 5], rtol=1e-12)


def test_growth_and_no_decay_are_recorded_as_such():
    norms = GradientNorms(profiles([[-4.0]], 50), np.zeros((1, 3, 50)))
    found = timescales.time_scales(np.full((50, 1, 1, 3), -0.5), profiles([-3.0], 50), norms, 3, own_gates=False)
    assert found["tau_parameter"][0, 0, 0] == pytest.approx(-4)
    assert found["tau_transport"][0] == pytest.approx(-3)
    assert np.isinf(found["tau_parameter_unit"][0, 0]).all()
