"""The loop over networks: how many a pass holds, and where their results go."""

import numpy as np
import pytest
from conftest import DEVICES, make_example, small_cell

from engine.measures.each import measure_each
from engine.network.ensemble import Networks
from engine.network.unroll import Parameters

SEEDS = (7, 8, 9)


def ensemble():
    """Three seeds at two checkpoints; all readouts of seed i at checkpoint k are 10 k + i."""
    cell = small_cell("plain")
    W, W_o = make_example(cell)[0]
    parts = np.stack([W, W]), np.stack([np.full_like(W_o, 10 * k) + np.arange(3.0)[:, None, None] for k in (0, 1)])
    return Networks(cell, Parameters(*parts), SEEDS, (0, 5))


@pytest.mark.parametrize(("name", "passes"), [("numpy", [(7,), (8,), (9,)] * 2), ("quiet", [SEEDS] * 2)])
def test_a_pass_is_one_network_on_the_host_and_all_seeds_on_a_device(name, passes):
    seen = []

    def first_readout(parameters, seeds):
        seen.append(tuple(seeds))
        return {"x": parameters.W_o[:, 0, 0]}

    found = measure_each(ensemble(), first_readout, "test", device=DEVICES[name])
    assert seen == passes
    np.testing.assert_array_equal(found["x"], [[0, 10], [1, 11], [2, 12]])
