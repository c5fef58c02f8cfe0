"""[TAU.coupling] over units and over networks, on relations that were put in, and against SciPy."""

import numpy as np
import pytest
from scipy.stats import linregress, spearmanr

from engine.verdicts import coupling

SEEDS, CHECKPOINTS, UNITS = 8, (0, 50, 100), 4


def arrays(exponent=1.0, noise=0.0):
    rng = np.random.default_rng(0)
    state = rng.uniform(1, 6, (SEEDS, len(CHECKPOINTS)))
    parameter = 2 * state**exponent * np.exp(noise * rng.normal(size=state.shape))
    tau_parameter = np.full((SEEDS, len(CHECKPOINTS), 2, 3), np.nan)
    tau_parameter[..., 0] = parameter[..., None]  # weight 0 is all of them
    over_units = {name: rng.normal(size=(SEEDS, len(CHECKPOINTS), 2)) for name in coupling.OVER_UNITS}
    # units spread about their network's time scale without moving its mean
    spread = np.array([-0.3, -0.1, 0.1, 0.3])
    return {"tau_state": state[..., None] * (1 + spread), "tau_parameter": tau_parameter, **over_units}


def test_a_law_between_the_time_scales_of_networks_is_found():
    found = [row for row in coupling.rows(arrays(exponent=1.7), CHECKPOINTS) if row["over"] == "networks"]
    assert [row["estimator"] for row in found] == ["decay", "mean_lag"]
    for row in found:
        assert row["exponent"] == pytest.approx(1.7, rel=1e-12)
        assert row["rank_correlation"] == pytest.approx(1, rel=1e-12)
        assert row["slope_seeds"] == SEEDS


def test_networks_agree_with_scipy_over_all_seeds_and_checkpoints():
    measured = arrays(noise=0.5)
    row = next(row for row in coupling.rows(measured, CHECKPOINTS) if row["over"] == "networks")
    x, y = measured["tau_state"].mean(axis=2).ravel(), measured["tau_parameter"][:, :, 0, 0].ravel()
    assert row["slope"] == pytest.approx(linregress(x, y).slope, rel=1e-10)
    assert row["exponent"] == pytest.approx(linregress(np.log(x), np.log(y)).slope, rel=1e-10)
    assert row["rank_correlation"] == pytest.approx(spearmanr(x, y).statistic, rel=1e-12)
    assert row["rank_correlation_low"] < row["rank_correlation"] < row["rank_correlation_high"]


def test_units_are_averaged_over_seeds_at_each_checkpoint():
    measured = arrays()
    found = [row for row in coupling.rows(measured, CHECKPOINTS) if row["over"] == "units"]
    assert [(row["estimator"], row["checkpoint"]) for row in found] == [
        (estimator, checkpoint) for estimator in ("decay", "mean_lag") for checkpoint in CHECKPOINTS
    ]
    expected = measured["coupling_rank_correlation"][:, 1, 0]
    assert found[1]["rank_correlation"] == pytest.approx(expected.mean())
    assert found[1]["rank_correlation_low"] < expected.mean() < found[1]["rank_correlation_high"]


def test_networks_without_decay_are_left_out_with_their_seed():
    measured = arrays()
    measured["tau_parameter"][0, 1, 0, 0] = -3
    measured["tau_parameter"][2, 2, 0, 0] = np.inf
    rows = {row["estimator"]: row for row in coupling.rows(measured, CHECKPOINTS) if row["over"] == "networks"}
    assert rows["decay"]["slope_seeds"] == SEEDS - 2
    assert rows["mean_lag"]["slope_seeds"] == SEEDS


def test_constant_gates_have_no_coupling():
    measured = arrays()
    measured["tau_state"] = np.full((SEEDS, 3, UNITS), -1 / np.log(0.2))
    row = next(row for row in coupling.rows(measured, CHECKPOINTS) if row["over"] == "networks")
    assert np.isnan([row["slope"], row["exponent"], row["rank_correlation"]]).all()
