"""Pairs (sample, t) and their chains of Jacobians: counted, and against the Jacobians along a whole trajectory."""

import numpy as np
import pytest
from conftest import make_example

from engine.common.backend import to_host
from engine.measures.chains import by_step, chains, draw_pairs, jacobian_chain
from engine.network.unroll import forward, jacobians
from engine.products.singular_values import formed


def test_pairs_are_uniform_and_inside_the_sequence():
    T, batch, lag = 12, 5, 4
    samples, times = draw_pairs(1, [lag, 11], 6000, T, batch)
    # 6000 draws over 40 cells: 150 expected in each, standard deviation 12; six of them are allowed.
    counts = np.zeros((batch, T + 1))
    np.add.at(counts, (samples[0], times[0]), 1)
    assert (counts[:, : lag + 1] == 0).all()
    assert np.abs(counts[:, lag + 1 :] - 150).max() < 6 * 150**0.5
    assert (times[1] == T).all()  # the longest lag below T has one place only


@pytest.mark.parametrize("members", [1, 3])
def test_chains_are_those_of_each_lag(cell, place, members):
    """Whether they are parts of the longest chain or not."""
    (W, _), u, _ = make_example(cell)
    W, steps, lags = W[:members], by_step(forward(cell, W, u).z)[:members], [3, 1, 5]
    samples, times = (np.stack(x) for x in zip(*(draw_pairs(s, lags, 6, 7, 4) for s in range(members)), strict=True))
    expected = [jacobian_chain(cell, W, steps, samples[:, i], times[:, i], lag) for i, lag in enumerate(lags)]
    found = [np.full_like(J, np.nan) for J in expected]
    for i, some, part in chains(cell, place(W), place(steps), samples, times, lags):
        found[i][:, :, some] = to_host(part.J)
    for here, there in zip(found, expected, strict=True):
        np.testing.assert_allclose(
            here, there, rtol=1e-12, atol=1e-15
        )  # products over other columns: sums in another order


def test_products_are_those_of_the_factors(cell):
    """By terms, compiled, where the cell's Jacobian has such a form."""
    (W, _), u, _ = make_example(cell)
    steps, lags = by_step(forward(cell, W, u).z), [3, 1, 5]
    samples, times = (np.stack(x) for x in zip(*(draw_pairs(s, lags, 6, 7, 4) for s in range(3)), strict=True))
    for _, _, part in chains(cell, W, steps, samples, times, lags):
        found, expected = part.product, formed(part.J)
        np.testing.assert_allclose(found.values, expected.values, rtol=1e-12, atol=1e-15)  # sums in another order
        np.testing.assert_array_equal(found.exponent, 0)
        np.testing.assert_allclose(found.norm, expected.norm, rtol=1e-14)
        # products to the end are grouped in another way, up to five factors here
        assert (found.error >= expected.error / 4).all() and (found.error <= 4 * expected.error).all()


def test_pairs_depend_on_seed_and_lag_alone():
    samples, times = draw_pairs(1, [2, 4], 7, 20, 5)
    again = draw_pairs(1, [4], 7, 20, 5)
    np.testing.assert_array_equal(again[0][0], samples[1])
    np.testing.assert_array_equal(again[1][0], times[1])
    assert (draw_pairs(2, [4], 7, 20, 5)[1] != times[1]).any()


def test_pairs_beyond_the_longest_lag_are_shared():
    samples, times = draw_pairs(1, [1, 4, 40], 500, 120, 64)
    assert (samples == samples[0]).all()
    late = times[0] > 40
    np.testing.assert_array_equal(times[0, late], times[2, late])
    assert 0.6 < late.mean() < 0.74  # 80 of 119 times lie there; three standard deviations of 500 draws


def test_chains_are_the_jacobians_of_their_pairs(cell, place):
    (W, _), u, _ = make_example(cell)
    z = forward(cell, W, u).z
    J = np.add(*jacobians(cell, W, z))
    samples, times = np.array([[0, 3, 3], [2, 2, 1], [1, 0, 3]]), np.array([[3, 7, 5], [4, 6, 7], [3, 3, 4]])
    found = to_host(jacobian_chain(cell, place(W), by_step(place(z)), place(samples), place(times), 3))
    for m, p in np.ndindex(3, 3):
        t = times[m, p]
        # one product over all chosen columns against one for each step: sums in another order
        np.testing.assert_allclose(found[:, m, p], J[t - 3 : t, m, samples[m, p]], rtol=1e-12, atol=1e-15)
