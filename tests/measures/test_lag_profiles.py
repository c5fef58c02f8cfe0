"""[BPTT.lag] norms against the gradients themselves; gate products against written-out products."""

import numpy as np
import pytest
from conftest import OUTPUTS, make_example, small_cell, targets
from digits import gradients_of_each_step, mp, values
from regimes import CASES, REGIMES, network

from engine.common.backend import to_host
from engine.common.safe import log_norm
from engine.measures.lag_profiles import (
    gate_product_profile,
    gate_products_to_the_end,
    gradient_norms,
    log_gates_over_time,
    weight_names,
)
from engine.network.unroll import Parameters, forward, lag_gradients, loss_and_error, loss_and_gradient


def norms_of(cell, parameters, u, y, *loss):
    trajectory = forward(cell, parameters.W, u)
    return gradient_norms(cell, parameters, trajectory, loss_and_error(cell, parameters, trajectory, y, *loss)[1])


def test_norms_are_those_of_the_lag_gradients_whose_sum_is_the_gradient(cell, example, place):
    parameters, u, y = example
    G = lag_gradients(cell, parameters, u, y)
    _, gradient = loss_and_gradient(cell, parameters, u, y)
    # seven terms of order 1, added in another order
    np.testing.assert_allclose(G.sum(axis=0), gradient.W, atol=1e-14)
    norms = norms_of(cell, Parameters(*(place(p) for p in parameters)), place(u), place(y))
    assert norms.by_weight.shape == (3, len(weight_names(cell)), 7)
    blocks = {"all": G, **cell.unpack(G)}
    for i, name in enumerate(weight_names(cell)):
        expected = np.sqrt((blocks[name].reshape(7, 3, -1) ** 2).sum(axis=2)).T
        # the norm carries the rounding of seven steps of backpropagation
        np.testing.assert_allclose(np.exp(norms.by_weight[:, i]), expected, rtol=1e-12, err_msg=name)
    rows = np.concatenate([np.sqrt((g["W_r"] ** 2).sum(axis=3)) for g in cell.by_layer(G)], axis=2)
    np.testing.assert_allclose(np.exp(norms.by_unit), np.moveaxis(rows, 0, 2), rtol=1e-12)


@pytest.mark.parametrize("name", ["multi", "stack"])
def test_norms_of_a_loss_at_several_steps_are_those_of_the_lag_gradients(name, reading, place):
    cell, y = small_cell(name), targets(reading)
    parameters, u, _ = make_example(cell, outputs=OUTPUTS)
    G = lag_gradients(cell, parameters, u, y, reading)
    norms = norms_of(cell, Parameters(*(place(p) for p in parameters)), place(u), place(y), reading)
    # sums over seven walks of seven steps each, added in another order
    np.testing.assert_allclose(norms.by_weight[:, 0], log_norm(G.reshape(7, 3, -1)).T, rtol=0, atol=1e-12)


@pytest.mark.parametrize(("name", "regime"), CASES)
def test_norms_are_those_of_the_lag_gradients_in_every_regime(name, regime):
    cell = small_cell(name)
    example = network(cell, REGIMES[regime], T=6, batch=3)
    G = lag_gradients(cell, *example)  # exact: tests/network/test_unroll_regimes.py
    norms = norms_of(cell, *example)
    # some tens of roundings, whose sum may cancel where gates and candidates are saturated
    whole = log_norm(G.reshape(6, -1))
    rows = np.concatenate([log_norm(g["W_r"]) for g in cell.by_layer(G[:, 0])], axis=1).T
    np.testing.assert_allclose(norms.by_weight[0, 0], whole, rtol=0, atol=1e-12)
    np.testing.assert_allclose(norms.by_unit[0], rows, rtol=0, atol=1e-12)


def plain_example(regime, batch):
    cell = small_cell("plain", 2, 2)
    return cell, network(cell, REGIMES[regime], T=120, batch=batch)


def assert_norms(found, G):
    """That these are GradientNorms of G (lag, row, column), of numbers with all digits."""
    log = np.frompyfunc(lambda square: float(mp.log(square) / 2) if square else -np.inf, 1, 1)
    whole, rows = (log(x).astype(float) for x in ((G**2).sum(axis=(1, 2)), (G[:, :2, :2] ** 2).sum(axis=2).T))
    # the rounding of 120 steps, and of logs near -2000, where doubles lie 2e-13 apart
    np.testing.assert_allclose(found.by_weight[0, 0], whole, rtol=0, atol=1e-11)
    np.testing.assert_allclose(found.by_unit[0], rows, rtol=0, atol=1e-11)
    return whole


def test_norms_do_not_underflow(place):
    """Weights times 1e-3: ||G_h|| is below the smallest number from lag 100 on, and its log is finite."""
    cell, (parameters, u, y) = plain_example("weights times 1e-3", batch=1)
    found = norms_of(cell, Parameters(*map(place, parameters)), place(u), place(y))
    whole = assert_norms(found, values(gradients_of_each_step(cell, parameters, u, y)[::-1, 0]))
    assert whole[-1] < -760


def test_a_sample_that_vanishes_and_one_that_does_later(place):
    """Backwards the adjoint of one falls to 1e-1000 and stays there; that of the other falls as far afterwards."""
    cell, (parameters, u, y) = plain_example("as they start", batch=2)
    u[60:, 0, -1, 0] = u[:60, 0, -1, 1] = 40  # so that each tanh is saturated
    found = norms_of(cell, Parameters(*map(place, parameters)), place(u), place(y))
    whole = assert_norms(found, values(gradients_of_each_step(cell, parameters, u, y)[::-1, 0]))
    assert whole[59] > -100 and whole[-1] < -1000


def test_recurrent_weights_have_no_gradient_from_the_first_step(cell, example):
    norms = norms_of(cell, *example)
    assert np.isneginf(norms.by_unit[:, :, -1]).all()  # x_0 = 0
    some = np.isfinite(norms.by_unit[:, :, :-1])
    # A unit of relu that rests has none.
    assert some.any() if getattr(cell, "nonlinearity", "") == "relu" else some.all()
    assert np.isfinite(norms.by_weight[:, 0]).all()  # the inputs still have one


def test_norms_whose_squares_underflow_keep_their_digits(place):
    x = np.array([[3e-200, 4e-200], [0, 0], [5e-324, 0]])
    found = to_host(log_norm(place(x)))
    # log(5e-200) is near -459, where doubles lie 6e-14 apart
    assert found[0] == pytest.approx(np.log(5) - 200 * np.log(10), abs=1e-12)
    assert np.isneginf(found[1])
    assert found[2] == pytest.approx(np.log(5e-324))


def test_gate_products_are_the_products_of_the_last_steps(cell, example, place):
    parameters, u, _ = example
    z = forward(cell, parameters.W, u, keep_tapes=False).z
    found = log_gates_over_time(cell, place(parameters.W), place(z))
    placed, (log_g, log_retained) = found[0], map(to_host, found)
    for found, expected in zip((log_g[3], log_retained[3]), cell.log_gates(parameters.W, z[3]), strict=True):
        np.testing.assert_allclose(found, expected, rtol=1e-12)  # another namespace may round otherwise
    g = np.exp(log_g)
    products = np.exp(to_host(gate_products_to_the_end(placed)))
    for h in range(7):
        # at most six factors in (0, 1)
        np.testing.assert_allclose(products[h], g[7 - h :].prod(axis=0), rtol=1e-13)
    profile = gate_product_profile(gate_products_to_the_end(placed))
    np.testing.assert_allclose(np.exp(profile), np.median(products.mean(axis=2), axis=2).T, rtol=1e-13)


def test_a_gate_that_retains_nothing_has_products_of_zero_beyond_lag_zero():
    profile = gate_product_profile(gate_products_to_the_end(np.full((4, 2, 1, 3), -np.inf)))
    assert (profile[:, 0] == 0).all()
    assert np.isneginf(profile[:, 1:]).all()


def test_products_too_small_for_a_float_keep_their_logs():
    log_products = np.full((1, 1, 2, 1), -2000.0)
    log_products[0, 0, 1] += np.log(3)
    # the mean of 1 and 3 is 2; -2000 is rounded to 2e-13
    assert gate_product_profile(log_products)[0, 0] == pytest.approx(-2000 + np.log(2), abs=1e-12)
