"""Every loss: its slopes against its costs, and both against the definition in 100 digits."""

import numpy as np
import pytest
from digits import derivatives, exp, log, numbers, values

from engine.common.backend import to_host
from engine.losses import LOSSES

OUTPUTS, STEPS, BATCH = 4, 3, 5

DEFINITIONS = {  # the cost of one step from its outputs, numbers of 100 digits, and its target
    "squared_error": lambda outputs, y: sum((outputs - y) * (outputs - y)),
    "cross_entropy": lambda outputs, c: log(sum(exp(outputs))) - outputs[int(c[0])],
}


@pytest.fixture(params=LOSSES)
def loss(request):
    return LOSSES[request.param](STEPS)


def example(loss, gain=1.5):
    """Outputs (member, step, output, batch) and targets, of whole numbers, which fit a loss of classes too."""
    rng = np.random.default_rng(0)
    y = rng.integers(0, OUTPUTS, (2, STEPS, loss.rows(OUTPUTS), BATCH)).astype(float)
    return gain * rng.standard_normal((2, STEPS, OUTPUTS, BATCH)), y


def test_slopes_are_the_derivatives_of_the_costs(loss):
    """Central differences in 64 bits of mantissa: h^2 = 1e-12 of the third derivative, rounding 1e-19 / h = 1e-13."""
    outputs, y = (x.astype(np.longdouble) for x in example(loss))
    direction, h = np.random.default_rng(1).standard_normal(outputs.shape), np.longdouble(1e-6)
    costs, slopes = loss.costs_and_slopes(outputs, y)
    assert costs.shape == (2, STEPS, BATCH) and slopes.shape == outputs.shape
    ahead, behind = (loss.costs_and_slopes(outputs + side * direction, y)[0] for side in (h, -h))
    np.testing.assert_allclose((slopes * direction).sum(axis=2), (ahead - behind) / (2 * h), rtol=1e-9, atol=1e-10)


@pytest.mark.parametrize("gain", [1e-9, 1.5, 30])
@pytest.mark.parametrize("name", DEFINITIONS)
def test_all_digits_are_those_of_the_definition(name, gain):
    """Also where all classes are alike, and where one is held for certain: 1 - p_c is then 1e-30 and less."""
    loss = LOSSES[name](STEPS)
    outputs, y = example(loss, gain)
    costs, slopes = (x[1, 1] for x in loss.costs_and_slopes(outputs, y))
    for b in range(BATCH):
        there = numbers(outputs[1, 1, :, b])
        cost = DEFINITIONS[name](there, y[1, 1, :, b])
        (slope,) = derivatives(cost, there)
        # some roundings of exponentials, whose arguments are sums up to 100, to 1e-14 in doubles
        np.testing.assert_allclose(costs[b], float(values(cost)), rtol=1e-13)
        np.testing.assert_allclose(slopes[:, b], slope.astype(float), rtol=1e-13)


def test_all_namespaces_agree(loss, place):
    for here, there in zip(
        loss.costs_and_slopes(*example(loss)), loss.costs_and_slopes(*map(place, example(loss))), strict=True
    ):
        np.testing.assert_allclose(to_host(there), here, rtol=1e-14)  # another namespace may round otherwise


def test_what_is_no_direction_of_the_loss_does_not_change_it(loss):
    """Outputs W_o x: without that part of W_o every slope stays the same."""
    rng, (_, y) = np.random.default_rng(2), example(loss)
    W_o, x = rng.standard_normal((2, 1, OUTPUTS, 6)), rng.standard_normal((2, STEPS, 6, BATCH))
    kept = loss.directions(W_o[:, 0])[:, None]
    for whole, part in zip(loss.costs_and_slopes(W_o @ x, y), loss.costs_and_slopes(kept @ x, y), strict=True):
        np.testing.assert_allclose(part, whole, rtol=1e-12, atol=1e-13)  # sums of six products of order one


def test_float32_stays(loss):
    outputs, y = (x.astype("float32") for x in example(loss))
    assert [x.dtype for x in loss.costs_and_slopes(outputs, y)] == ["float32"] * 2


def test_targets_say_how_many_outputs_they_need(loss):
    """As many as they were made for, and not one more."""
    _, y = example(loss)
    assert loss.outputs(y[0]) == OUTPUTS
    assert loss.rows(OUTPUTS) == y.shape[2]


def test_one_class_needs_two_outputs():
    assert LOSSES["cross_entropy"]().outputs(np.zeros((1, 1, BATCH))) == 2
