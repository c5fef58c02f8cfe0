"""The state of a pass: all of it is in its tree, and comes back from there."""

from dataclasses import fields

import numpy as np
import pytest
from conftest import make_example, small_cell

from engine.common.backend import to_host
from engine.optimizers import OPTIMIZERS, make_optimizer
from engine.optimizers.adam_beside import AdamBeside
from engine.training.checkpoint import Resume, pack
from engine.training.updates import State, first_state


def later_state(rule, device):
    """A State in which every number differs from that before the first update."""
    parameters, *_ = make_example(small_cell("multi"))
    moved = type(parameters)(*map(device.move, parameters))
    state = first_state(rule, moved)
    for arrays in state.rule_states:
        for i, x in enumerate(arrays):
            x[...] = device.move(np.full(x.shape, 1.0 + i))
    state.k, state.redrawn = 2, np.array([0, 1, 2])
    state.losses = [device.move(np.array([k, 0.5, 2])) for k in (3.0, 4.0)]
    state.probes = [[np.ones(2), np.zeros((1, 3))]]
    state.records = [{"update_cosine": np.array([0.1, 0.2, 0.3])}]
    return state


def on_host(state):
    return [(path, np.array(to_host(x))) for path, x in pack(state.tree(), "0")]


@pytest.mark.parametrize("rule", [*map(make_optimizer, OPTIMIZERS), AdamBeside(make_optimizer("momentum"))])
def test_a_state_comes_back_from_its_tree(tmp_path, device, rule):
    sound = later_state(rule, device)
    assert set(sound.tree()) == {field.name for field in fields(State)}
    resume = Resume(tmp_path / "r.npz", "key")
    resume.keep("0", sound.tree())
    resume.write()
    found = first_state(rule, type(sound.parameters)(*(0 * p for p in sound.parameters)))
    found.restore(Resume(tmp_path / "r.npz", "key").tree("0"), device)
    assert found.k == 2 and len(found.losses) == 2
    for (path, x), (expected_path, expected) in zip(on_host(found), on_host(sound), strict=True):
        assert path == expected_path
        np.testing.assert_array_equal(x, expected, err_msg=path)
