"""Intervals over seeds: coverage, pairing, left-out seeds, and agreement with SciPy called by hand."""

import numpy as np
import pytest
from scipy.stats import bootstrap

from engine.verdicts.bootstrap import interval, intervals


def mean(x):
    return x.mean(axis=-1)


def test_a_mean_has_the_interval_that_scipy_gives():
    x = np.random.default_rng(0).normal(3, 1, 20)
    found = interval(mean, x, np.random.default_rng(1))
    expected = bootstrap((x,), np.mean, n_resamples=2000, rng=np.random.default_rng(1)).confidence_interval
    assert (found.low, found.high) == pytest.approx((expected.low, expected.high), rel=1e-12)
    assert found.value == pytest.approx(x.mean())
    assert found.seeds == 20


def test_intervals_cover_the_truth_as_often_as_they_say():
    rng = np.random.default_rng(2)
    inside = 0
    for _ in range(200):
        found = interval(mean, rng.exponential(1, 20), rng, resamples=500)
        inside += found.low <= 1 <= found.high
    # BCa covers some 92 of 100 for 20 exponential values; the count has a standard deviation of 4: five of them
    assert 164 <= inside <= 200


def test_seeds_stay_paired():
    """A difference that is the same in each seed has no spread, however much the seeds differ."""
    of = np.random.default_rng(3).normal(0, 100, 10)
    found = interval(lambda x: mean(x[0] - x[1]), np.stack([of + 0.25, of]), np.random.default_rng(0))
    # seeds of size 100 leave the difference 1e-14 of rounding
    assert found[:3] == pytest.approx((0.25, 0.25, 0.25), abs=1e-12)


def test_seeds_that_are_not_whole_are_left_out_and_counted():
    x = np.arange(12.0).reshape(2, 6)
    x[1, 2], x[0, 5] = np.nan, np.inf
    found = interval(lambda y: mean(y[0]), x, np.random.default_rng(0))
    assert found.seeds == 4
    assert found.value == np.mean([0, 1, 3, 4])


def test_too_few_seeds_have_a_value_and_no_interval():
    found = interval(mean, np.array([1.0, 2.0]), np.random.default_rng(0))
    assert found.value == 1.5
    assert np.isnan([found.low, found.high]).all()
    nothing = interval(mean, np.full(5, np.nan), np.random.default_rng(0))
    assert np.isnan(nothing.value)
    assert nothing.seeds == 0


def test_what_does_not_vary_has_an_interval_of_no_width():
    assert interval(mean, np.full(8, 2.0), np.random.default_rng(0))[:3] == (2, 2, 2)


def test_a_wider_confidence_gives_a_wider_interval():
    x = np.random.default_rng(4).normal(size=15)
    narrow, wide = (interval(mean, x, np.random.default_rng(0), confidence=c) for c in (0.8, 0.99))
    assert wide.low < narrow.low < narrow.high < wide.high


def test_several_statistics_share_the_drawn_seeds_and_each_has_its_own_interval():
    x = np.random.default_rng(5).normal(size=(3, 15))
    x[1] = 4.0  # does not vary, while the others do
    together = intervals(mean, x, np.random.default_rng(0))
    assert together[1][:3] == (4, 4, 4)
    for i in (0, 2):
        alone = interval(lambda y, i=i: mean(y[i]), x, np.random.default_rng(0))
        assert together[i] == pytest.approx(alone, rel=1e-12)
