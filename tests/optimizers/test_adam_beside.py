"""[OPT.adam.same]: Adam's second moments beside another rule change nothing, and are Adam's."""

import numpy as np
import pytest
from test_optimizers import UPDATES, gradients, rates, run

from engine.common.backend import to_host
from engine.optimizers import OPTIMIZERS, make_optimizer
from engine.optimizers.adam_beside import AdamBeside


@pytest.mark.parametrize("name", OPTIMIZERS)
def test_the_steps_are_those_of_the_rule(name):
    rule, g = make_optimizer(name), gradients()
    beside = AdamBeside(rule)
    assert beside.name == name
    np.testing.assert_array_equal(run(beside, g), run(rule, g))


def after(rule, g):
    """The state after all updates."""
    state = rule.start(g[0, ...])
    for k in range(UPDATES):
        rule.step([g[k, ...]], [0 * g[k, ...]], [state], rates(k), k)
    return state


@pytest.mark.parametrize("name", OPTIMIZERS)
def test_the_moments_are_those_of_adam(name, place):
    adam, rule, g = make_optimizer("adam"), make_optimizer(name), place(gradients())
    beside, last = AdamBeside(rule), UPDATES - 1
    state = after(beside, g)
    expected = adam.second_moment(after(adam, g), last)
    np.testing.assert_array_equal(*map(to_host, (beside.second_moment_beside(state, last), expected)))
    own, alone = beside.second_moment(state, last), rule.second_moment(after(rule, g), last)
    assert (own is None) == (alone is None)
    if own is not None:
        np.testing.assert_array_equal(to_host(own), to_host(alone))
    assert rule.second_moment_beside(after(rule, g), last) is None
