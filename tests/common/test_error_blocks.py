"""Blocks of a run, and standard errors from them."""

import numpy as np
import pytest

from engine.common.blocks import ends_of_blocks, jackknife_error


def test_jackknife_of_a_mean_and_of_a_function_of_it():
    """The standard error of a mean is exact; that of its square is 2 |mean| times it, to first order in 1 / n."""
    x = np.random.default_rng(0).normal(3, 1, size=(1000, 2))
    error = x.std(axis=0, ddof=1) / 1000**0.5
    for statistic, expected, rtol in ((lambda m: m, error, 1e-12), (np.square, 2 * x.mean(axis=0) * error, 1e-3)):
        value, found = jackknife_error(statistic, x)
        np.testing.assert_array_equal(value, statistic(x.mean(axis=0)))
        np.testing.assert_allclose(found, expected, rtol=rtol)


def test_blocks_follow_the_transient_and_have_one_length():
    assert ends_of_blocks(T=26, transient=0.2, blocks=4).tolist() == [5, 10, 15, 20, 25]


def test_a_run_too_short_for_its_blocks_is_refused():
    with pytest.raises(ValueError, match="T = 12 is too short for 10 blocks after a transient of 3 steps"):
        ends_of_blocks(T=12, transient=0.25, blocks=10)
