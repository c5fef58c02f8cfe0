"""The summary table against NumPy and SciPy."""

import numpy as np
from scipy import stats

from engine.common.statistics import mean_interval
from engine.verdicts.summary import loss_before, markdown, markdown_table, summary_rows


def test_mean_interval_is_students():
    x = np.random.default_rng(0).normal(2, 3, (12, 2))
    mean, low, high = mean_interval(x)
    for i in range(2):
        expected = stats.ttest_1samp(x[:, i], 0).confidence_interval(0.95)
        np.testing.assert_allclose([mean[i], low[i], high[i]], [x[:, i].mean(), *expected], rtol=1e-12)


def test_what_was_not_measured_does_not_enter():
    x = np.random.default_rng(0).normal(2, 3, (12, 1))
    np.testing.assert_allclose(mean_interval(np.vstack([x, [[np.nan]]])), mean_interval(x))


def test_one_seed_has_a_mean_and_no_interval():
    mean, low, high = mean_interval(np.array([[3.0]]))
    assert mean == 3 and np.isnan(low) and np.isnan(high)


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


def test_a_lost_seed_is_counted():
    arrays = example()
    for array in arrays.values():
        array[2, 1] = np.nan
    rows = summary_rows(arrays, lags=[1, 4, 12], checkpoints=[0, 60], at_lags=[1])
    assert [row["seeds"] for row in rows] == [5, 4]
    assert np.isfinite(rows[1]["gradient_CE"])


def test_markdown_shows_mean_and_interval():
    page = markdown([{"task": "adding", "x": 1.23456, "x_low": 1.0, "x_high": 2e8}], ["task"], ["x"])
    assert page == "| task | x |\n| --- | --- |\n| adding | 1.23 [1, 2e+08] |\n"


def test_tables_show_three_digits():
    assert markdown_table([{"a": "x", "b": 0.123456}], ["a", "b"]) == "| a | b |\n| --- | --- |\n| x | 0.123 |\n"
