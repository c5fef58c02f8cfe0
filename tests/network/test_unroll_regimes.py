"""Gradients where gates and candidates are saturated and weights weak or strong, number by number."""

from functools import cache

import pytest
from conftest import small_cell
from digits import assert_exact, gradients_of_each_step, truth_and_reach
from regimes import CASES, REGIMES, network

from engine.common.backend import to_host
from engine.network.unroll import Parameters, lag_gradients, loss_and_gradient, per_sample_gradients


def network_of(name, regime, units):
    cell = small_cell(name, units)
    return cell, network(cell, REGIMES[regime], T=3)


@cache
def expected_gradients(name, regime, units):
    """G_h for all h, and their sum."""
    cell, example = network_of(name, regime, units)

    def reference(rounded):
        G = gradients_of_each_step(cell, *example, rounded)[::-1]
        return G, G.sum(axis=0)

    return truth_and_reach(reference)


@pytest.mark.parametrize("units", [1, 3])
@pytest.mark.parametrize(("name", "regime"), CASES)
def test_gradients_are_exact(name, regime, units, place):
    cell, (parameters, u, y) = network_of(name, regime, units)
    there = Parameters(*map(place, parameters)), place(u), place(y)
    by_lag, whole = expected_gradients(name, regime, units)
    assert_exact([to_host(lag_gradients(cell, *there))], [by_lag])
    assert_exact([to_host(loss_and_gradient(cell, *there)[1].W)], [whole])
    assert_exact([to_host(per_sample_gradients(cell, *there).W)[:, 0]], [whole])  # of the one sample
