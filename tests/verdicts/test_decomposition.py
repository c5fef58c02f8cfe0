"""The two-way decomposition on designs whose parts are put in by hand, and against explicit sums."""

import numpy as np
import pytest

from engine.verdicts.decomposition import (
    EFFECTS,
    adjusted_shares,
    level_means,
    partial_eta_squared,
    rows,
    shares,
    sums_of_squares,
)

GATE = np.array([-2.0, 0.0, 0.5, 1.5])
OPTIMIZER = np.array([-1.0, 0.0, 1.0])
INTERACTION = np.outer([1.0, -1.0, 0.0, 0.0], [1.0, -1.0, 0.0])  # sums to 0 over each factor
SEED = np.array([-0.5, 0.1, 0.0, 0.3, 0.1])


def design(gate=1.0, optimizer=1.0, interaction=1.0, seed=1.0, noise=0.0):
    y = 7 + gate * GATE[:, None, None] + optimizer * OPTIMIZER[:, None] + interaction * INTERACTION[..., None]
    return y + seed * SEED + noise * np.random.default_rng(0).normal(size=(4, 3, 5))


def test_a_design_without_noise_comes_apart_into_what_was_put_in():
    found = sums_of_squares(design())
    expected = {
        "gate": 15 * (GATE**2).sum(),
        "optimizer": 20 * (OPTIMIZER**2).sum(),
        "interaction": 5 * (INTERACTION**2).sum(),
        "seed": 12 * (SEED**2).sum(),
    } | {f"{name} error": 0 for name in EFFECTS}
    for name, value in expected.items():
        assert found[name] == pytest.approx(value, abs=1e-12), name  # 60 numbers near 7 in double precision


@pytest.mark.parametrize("only", ["gate", "optimizer", "interaction", "seed"])
def test_one_effect_alone_has_the_whole_share(only):
    found = shares(design(**({"gate": 0, "optimizer": 0, "interaction": 0, "seed": 0} | {only: 1})))
    assert found[only] == pytest.approx(1, abs=1e-13)
    assert sum(found.values()) == pytest.approx(1, abs=1e-13)


def test_parts_are_the_textbook_sums_and_add_up():
    y = design(noise=1.0)
    found = sums_of_squares(y)
    grand, a, b, s = y.mean(), y.mean(axis=(1, 2)), y.mean(axis=(0, 2)), y.mean(axis=(0, 1))
    ab, a_s, b_s = y.mean(axis=2), y.mean(axis=1), y.mean(axis=0)
    assert found["gate"] == pytest.approx(15 * ((a - grand) ** 2).sum())
    assert found["optimizer"] == pytest.approx(20 * ((b - grand) ** 2).sum())
    assert found["seed"] == pytest.approx(12 * ((s - grand) ** 2).sum())
    assert found["interaction"] == pytest.approx(5 * ((ab - a[:, None] - b + grand) ** 2).sum())
    assert found["gate error"] == pytest.approx(3 * ((a_s - a[:, None] - s + grand) ** 2).sum())
    assert found["optimizer error"] == pytest.approx(4 * ((b_s - b[:, None] - s + grand) ** 2).sum())
    assert sum(found.values()) == pytest.approx(((y - grand) ** 2).sum())


def test_parts_of_the_seeds_go_along_as_further_axes():
    y = np.random.default_rng(1).normal(size=(4, 3, 6, 5))
    for of in (shares, adjusted_shares, partial_eta_squared):
        together = of(y)
        for i in range(6):
            for name, value in of(y[:, :, i]).items():
                assert together[name][i] == pytest.approx(value)


def test_adjusted_share_is_without_bias_where_there_is_no_effect():
    rng = np.random.default_rng(2)
    y = rng.normal(size=(4, 3, 2000, 5))
    plain, adjusted = shares(y), adjusted_shares(y)
    for name, expected in (("gate", 3 / 59), ("optimizer", 2 / 59), ("interaction", 6 / 59)):
        # degrees of freedom of the effect over those of the whole; the mean of 2000 has an error below 0.002
        assert plain[name].mean() == pytest.approx(expected, abs=0.005)
        assert adjusted[name].mean() == pytest.approx(0, abs=0.005)


def test_partial_eta_squared_takes_the_other_effects_away():
    y = design(noise=0.3)
    with_more = y + 100 * OPTIMIZER[:, None]
    assert partial_eta_squared(with_more)["gate"] == pytest.approx(partial_eta_squared(y)["gate"], rel=1e-9)


def test_rows_have_every_size_and_an_interval_around_it():
    y = design(noise=0.5)
    y[1, 2, 4] = np.nan
    found = {row["source"]: row for row in rows(y)}
    assert found.keys() == {*EFFECTS, "seed", "residual"}
    whole = y[..., :4]
    for name in EFFECTS:
        row = found[name]
        assert row["seeds"] == 4  # the seed with a gap is out, with all that is paired with it
        assert row["share"] == pytest.approx(shares(whole)[name])
        assert row["adjusted_share"] == pytest.approx(adjusted_shares(whole)[name])
        assert row["partial_eta_squared"] == pytest.approx(partial_eta_squared(whole)[name])
        assert row["share_low"] <= row["share_high"]


def test_level_means_are_the_marginal_ones():
    y = design(noise=0.5)
    found = level_means(y)
    assert [at.value for at in found["gate"]] == pytest.approx(y.mean(axis=(1, 2)).tolist())
    assert [at.value for at in found["optimizer"]] == pytest.approx(y.mean(axis=(0, 2)).tolist())
    assert all(at.low <= at.value <= at.high for at in found["gate"])
