"""[OPT.adam] against SciPy's rank correlation and written-out coefficients of variation."""

import numpy as np
import pytest
from scipy.stats import spearmanr

from engine.measures.lag_profiles import gate_products_to_the_end
from engine.measures.step_sizes import COMPARISON_QUANTITIES, QUANTITIES, compare, gate_steps, variation

LAGS = [1, 6, 3]


def gates(units, T=9, members=2, batch=5):
    return np.random.default_rng(4).uniform(0.1, 0.9, (T, members, units, batch))


def test_gate_steps_are_products_by_unit():
    g = gates(4)
    found = gate_steps(np.log(g), gate_products_to_the_end(np.log(g)), LAGS, 4)
    assert found.keys() == QUANTITIES.keys()
    for i, h in enumerate(LAGS):
        product = np.median(g[9 - h :].prod(axis=0), axis=2)
        np.testing.assert_allclose(np.exp(found["log_unit_gate_product"][:, i]), product, rtol=1e-13)
        np.testing.assert_allclose(
            found["gate_step_variation"][:, i], product.std(axis=1) / product.mean(axis=1), rtol=1e-12
        )
    in_time = g.std(axis=(0, 3)) / g.mean(axis=(0, 3))
    np.testing.assert_allclose(found["gate_variation_in_time"], in_time.mean(axis=1), rtol=1e-12)


def test_one_gate_for_all_gives_every_unit_the_same_step():
    g = gates(1)
    found = gate_steps(np.log(g), gate_products_to_the_end(np.log(g)), LAGS, 6)
    assert found["log_unit_gate_product"].shape == (2, 3, 6)
    assert (found["gate_step_variation"] == 0).all()


def test_variation_does_not_depend_on_the_scale_however_small():
    log_x = np.log([1.0, 2.0, 4.0])
    expected = np.std([1, 2, 4]) / np.mean([1, 2, 4])
    assert variation(log_x) == pytest.approx(expected, rel=1e-14)
    assert variation(log_x - 5000) == pytest.approx(expected, rel=1e-11)  # logs near 5000 lie 1e-12 apart


def test_comparison_is_spearmans_for_each_network_and_lag():
    rng = np.random.default_rng(5)
    products, steps = rng.normal(size=(3, 2, 4, 20)), rng.uniform(1, 9, (2, 3, 2, 20))
    steps[1, 2, 0] = np.nan  # a training that diverged
    found = compare(products, steps)
    assert found.keys() == COMPARISON_QUANTITIES.keys()
    for reference, s, c, h in np.ndindex(2, 3, 2, 4):
        expected = spearmanr(products[s, c, h], steps[reference, s, c]).statistic
        # two ways to sum the same ranks
        np.testing.assert_allclose(found["step_rank_correlation"][reference, s, c, h], expected, atol=1e-14)
    assert np.isnan(found["step_rank_correlation"][1, 2, 0]).all()
    np.testing.assert_allclose(found["adam_step_variation"], steps.std(axis=3) / steps.mean(axis=3))


def test_the_same_order_of_units_correlates_fully_and_the_reverse_inversely():
    x = np.sort(np.random.default_rng(6).uniform(size=10))
    found = compare(np.log(x)[None, None, None], np.stack([x**3, 1 / x])[:, None, None])
    np.testing.assert_allclose(found["step_rank_correlation"].ravel(), [1, -1], rtol=1e-14)


def test_a_constant_step_has_no_rank():
    found = compare(np.zeros((1, 1, 1, 5)), np.ones((1, 1, 1, 5)))
    assert np.isnan(found["step_rank_correlation"]).all()
