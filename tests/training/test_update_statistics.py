"""[ALIGN.update] on update rules whose geometry is known."""

import numpy as np
import pytest

from engine.cells import make_cell
from engine.network.unroll import Parameters
from engine.optimizers import make_optimizer
from engine.optimizers.adam_beside import AdamBeside
from engine.training.update_statistics import QUANTITIES, adaptive_steps, unit_steps, update_statistics


def gradients(dtype="float64", members=3, seed=0):
    rng = np.random.default_rng(seed)
    cell = make_cell("multi", 5, 3)
    g = Parameters(rng.normal(size=(members, *cell.shape)), rng.normal(size=(members, 1, 5)))
    return cell, Parameters(*(x.astype(dtype) for x in g))


def increments_of(rule, history, rate=0.01):
    """What the last update of a history of gradients adds, and the rule's states."""
    states = [rule.start(p) for p in history[0]]
    for k, g in enumerate(history):
        steps = rule.step(g, [0 * x for x in g], states, rate, k)
    return Parameters(*steps), states


@pytest.mark.parametrize(("dtype", "rounding"), [("float64", 1e-15), ("float32", 1e-7)])
def test_sgd_points_along_the_gradient_and_rescales_nothing(dtype, rounding):
    cell, g = gradients(dtype)
    found = update_statistics(cell, increments_of(make_optimizer("sgd"), [g])[0], g)
    assert found.keys() == QUANTITIES.keys() - {"adaptive_step", "adaptive_step_beside"}
    # the rounding of rate * g in its own precision, and of the logs near -2
    np.testing.assert_allclose(found["update_cosine"], 1, atol=3 * rounding)
    np.testing.assert_allclose(found["update_spread"], 0, atol=3 * rounding)
    assert (found["unmoved_parameters"] == 0).all()


def test_the_first_step_of_adam_is_the_sign_of_the_gradient():
    cell, g = gradients()
    found = update_statistics(cell, increments_of(make_optimizer("adam", eps=1e-300), [g])[0], g)
    for m in range(3):
        flat = np.concatenate([p[m].ravel() for p in g])
        cosine = np.abs(flat).sum() / np.linalg.norm(flat) / np.sqrt(flat.size)
        # bias corrections divide by 0.1 and 0.001, which loses two digits
        assert found["update_cosine"][m] == pytest.approx(cosine, rel=1e-12)
        assert found["update_spread"][m] == pytest.approx(np.std(np.log10(np.abs(flat))), rel=1e-12)


def test_adam_steps_are_means_over_the_incoming_weights():
    cell, g = gradients()
    rng = np.random.default_rng(1)
    v = Parameters(rng.uniform(0.1, 2, g.W.shape), rng.uniform(0.1, 2, g.W_o.shape))
    incoming = v.W[:, :5]  # W_r and W_i together
    np.testing.assert_allclose(unit_steps(cell, v.W), (1 / np.sqrt(incoming)).mean(axis=2), rtol=1e-14)


def test_weights_that_never_had_a_gradient_are_left_out_and_counted():
    cell, g = gradients()
    g.W[:, :, -1] = 0  # an input channel that is always 0
    found = update_statistics(cell, Parameters(-2 * g.W, -2 * g.W_o), g)
    assert (found["unmoved_parameters"] == 10).all()
    np.testing.assert_allclose(found["update_spread"], 0, atol=1e-15)
    np.testing.assert_allclose(unit_steps(cell, g.W**2), (1 / np.abs(g.W[:, :5, :-1])).mean(axis=2), rtol=1e-13)


def test_gradients_whose_squares_underflow_in_their_own_precision():
    cell, g = gradients("float32")
    g = Parameters(*(p * np.float32(1e-30) for p in g))
    found = update_statistics(cell, Parameters(-g.W, -g.W_o), g)
    np.testing.assert_allclose(found["update_cosine"], 1, atol=1e-15)


def test_a_member_without_a_step_is_nan():
    cell, g = gradients()
    nothing = Parameters(np.zeros_like(g.W), np.zeros_like(g.W_o))
    found = update_statistics(cell, nothing, g)
    assert np.isnan(found["update_cosine"]).all()
    assert np.isnan(found["update_spread"]).all()


def test_strict_arrays_give_the_same(place):
    cell, g = gradients()
    there = Parameters(*(place(p) for p in g))
    found, expected = update_statistics(cell, there, there), update_statistics(cell, g, g)
    found["step"], expected["step"] = unit_steps(cell, there.W), unit_steps(cell, g.W)
    for name, value in expected.items():
        np.testing.assert_array_equal(found[name], value)


KEPT = {
    "sgd": {"adaptive_step_beside"},
    "momentum": {"adaptive_step_beside"},
    "rmsprop": {"adaptive_step", "adaptive_step_beside"},
    "adam": {"adaptive_step", "adaptive_step_beside"},
    "adamw": {"adaptive_step", "adaptive_step_beside"},
}


@pytest.mark.parametrize("name", KEPT)
def test_steps_of_units_are_recorded_for_what_a_rule_keeps(name):
    cell, g = gradients()
    for rule, kept in (
        (make_optimizer(name), KEPT[name] - {"adaptive_step_beside"}),
        (AdamBeside(make_optimizer(name)), KEPT[name]),
    ):
        _, states = increments_of(rule, [g, g])
        found = adaptive_steps(cell, rule, states[0], 1)
        assert found.keys() == kept
        if name != "rmsprop":  # whose mean of squares is biased
            for (
                step
            ) in found.values():  # v_hat of a gradient that stays the same is its square; 1 - 0.999^2 loses 3 digits
                np.testing.assert_allclose(step, (1 / np.abs(g.W[:, :5])).mean(axis=2), rtol=1e-12)
