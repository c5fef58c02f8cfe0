"""The summary table against NumPy and SciPy."""

import numpy as np
from scipy import stats

from engine.verdicts.summary import loss_before, summary_rows


def example(seeds=5):
    rng = np.random.default_rng(1)
    by_lag, by_network = (seeds, 2, 3), (seeds, 2)
    return {
        "jacobian_anisotropy": rng.lognormal(2, 1, by_lag),
        "jacobian_energy": rng.uniform(size=by_lag),
        "gradient_anisotropy": rng.lognormal(2, 1, by_network),
        "gradient_energy": rng.uniform(size=by_network),
        "loss": rng.lognormal(0, 1, by_network),
        "probe_loss": rng.lognormal(0, 1, by_network),
    }


def test_rows_are_means_over_seeds():
    arrays = example()
    rows = summary_rows(arrays, lags=[1, 4, 12], checkpoints=[0, 60], at_lags=[1, 12])
    assert [row["checkpoint"] for row in rows] == [0, 60] and rows[0]["seeds"] == 5
    np.testing.assert_allclose(rows[1]["jacobian_CE_lag12"], arrays["jacobian_energy"][:, 1, 2].mean())
    np.testing.assert_allclose(rows[1]["jacobian_AI_lag12"], stats.gmean(arrays["jacobian_anisotropy"][:, 1, 2]))
    assert rows[0]["gradient_AI_low"] < rows[0]["gradient_AI"] < rows[0]["gradient_AI_high"]


def test_losses_are_geometric_means():
    arrays = example()
    row = summary_rows(arrays, lags=[1, 4, 12], checkpoints=[0, 60], at_lags=[1])[1]
    for name in ("loss", "probe_loss"):
        np.testing.assert_allclose(row[name], stats.gmean(arrays[name][:, 1]))


def test_the_training_loss_at_a_checkpoint_is_that_of_the_updates_before_it():
    loss = np.arange(200.0).reshape(2, 100)
    found = loss_before([0, 30, 100], loss, updates=50)
    np.testing.assert_array_equal(found, [[0, 14.5, 74.5], [100, 114.5, 174.5]])


def test_each_number_has_a_count_of_its_own():
    """As where 8 of 20 AI are not resolved, and another seed diverged."""
    arrays = example(20)
    for array in arrays.values():
        array[2, 1] = np.nan
    arrays["jacobian_anisotropy"][5:13, 1, 2] = np.inf
    first, last = summary_rows(arrays, lags=[1, 4, 12], checkpoints=[0, 60], at_lags=[1, 12])
    assert first["seeds"] == last["seeds"] == 20
    counts = [first[f"{name}_seeds"] for name in ("jacobian_AI_lag1", "gradient_CE")]
    assert counts == [20, 20]
    for name in ("jacobian_AI_lag1", "jacobian_AI_lag12", "jacobian_CE_lag12", "gradient_AI", "gradient_CE"):
        assert last[f"{name}_seeds"] == 19
        assert last[f"{name}_unresolved"] == (8 if name == "jacobian_AI_lag12" else 0)
        assert np.isnan(last[name]) == (name == "jacobian_AI_lag12")
    known = np.delete(arrays["jacobian_anisotropy"][:, 1, 2], 2)
    assert last["jacobian_AI_lag12_median"] == np.sort(known)[9]
