"""What begins in another state, or later, is measured as what it is: a part of a longer run."""

import numpy as np
import pytest
from conftest import small_cell

from engine.measures import anisotropy, effective_lr, expansion, gates, lyapunov
from engine.network.ensemble import Networks
from engine.network.unroll import Parameters, forward
from engine.tasks.recorded import recorded
from engine.training.train import initial_parameters

T, LONGEST, SEQUENCES = 9, 14, 5
PROTOCOLS = {
    effective_lr: {"rate": 0.1, "probe_batch": 4},
    anisotropy: {"lags": [1, 4], "pairs": 6, "r": 2, "gradients": 5, "probe_batch": 4},
    gates: {"lags": [1, 4], "r": 2, "samples": 3, "probe_batch": 5},
    lyapunov: {"transient": 0.2, "blocks": 2, "samples": 3},
    expansion: {"epsilons": [0.1, 0.01, 0.001, 1e-4, 1e-5]},
}
# The two runs have batches of different shapes, whose products differ in rounding, which profiles and fits enlarge.
ROUNDING = {"rtol": 1e-9, "atol": 1e-12}


def networks(name, x_0=None):
    cell = small_cell(name)
    parameters = Parameters(*(1.5 * p[None] for p in initial_parameters(cell, [3], "float64")))
    return Networks(cell, parameters, (3,), (0,), x_0)


def unequal(cell, start):
    """Sequences whose first steps only lead to a state, and their last T steps, which begin in that state."""
    rng = np.random.default_rng(1)
    lengths, u, y = np.array([14, 9, 12, 10, 13]), rng.normal(size=(LONGEST, SEQUENCES, 3)), rng.normal(size=SEQUENCES)
    x_0 = rng.uniform(-1, 1, (SEQUENCES, cell.state_size)) if start else np.zeros((SEQUENCES, cell.state_size))
    W = networks(cell.name).parameters.W[0]
    last, reached = [], []
    for s, length in enumerate(lengths):
        driven = np.swapaxes(u[None, :length, s], 0, 1)[..., None]
        z = forward(cell, W, driven, x_0=x_0[None, s, :, None]).z
        last.append(u[length - T : length, s])
        reached.append(z[length - T, 0, : cell.state_size, 0])
    own_start = {"x_0": x_0} if start else {}
    whole = recorded(u=u, y=y, lengths=lengths, **own_start)
    return whole, recorded(u=np.stack(last, axis=1), y=y, x_0=np.stack(reached))


@pytest.mark.parametrize("start", [False, True], ids=["from 0", "from states of their own"])
@pytest.mark.parametrize("name", ["gru", "lstm"])
@pytest.mark.parametrize("quantity", PROTOCOLS, ids=lambda module: module.__name__.rpartition(".")[2])
def test_sequences_of_unequal_length_are_measured_on_their_last_steps(quantity, name, start):
    """Gradients of single samples are those of the whole sequence: see tests/network/test_unroll.py."""
    whole, last = unequal(small_cell(name), start)
    found, expected = (quantity.measure(networks(name), task, T=T, **PROTOCOLS[quantity]) for task in (whole, last))
    for key, values in expected.items():
        if "gradient_" not in key or quantity is gates:
            np.testing.assert_allclose(found[key], values, **ROUNDING, err_msg=key)
        else:
            assert np.isfinite(found[key]).any()


@pytest.mark.parametrize("quantity", PROTOCOLS, ids=lambda module: module.__name__.rpartition(".")[2])
def test_a_trained_initial_state_is_that_of_every_sequence(quantity):
    rng = np.random.default_rng(1)
    u, x_0 = rng.normal(size=(T, SEQUENCES, 3)), rng.uniform(-1, 1, 10)
    trained = quantity.measure(networks("lstm", x_0), recorded(u=u), T=T, **PROTOCOLS[quantity])
    given = quantity.measure(networks("lstm"), recorded(u=u, x_0=np.tile(x_0, (5, 1))), T=T, **PROTOCOLS[quantity])
    without = quantity.measure(networks("lstm"), recorded(u=u), T=T, **PROTOCOLS[quantity])
    for key, values in given.items():
        np.testing.assert_array_equal(trained[key], values, err_msg=key)
    assert any(not np.array_equal(trained[key], without[key], equal_nan=True) for key in given)


@pytest.mark.parametrize("lengths", [False, True], ids=["of one length", "of unequal length"])
@pytest.mark.parametrize("quantity", PROTOCOLS, ids=lambda module: module.__name__.rpartition(".")[2])
def test_the_reverse_direction_reads_sequences_from_their_end(quantity, lengths):
    u, own = np.random.default_rng(1).normal(size=(LONGEST, SEQUENCES, 3)), np.array([14, 9, 12, 10, 13])
    turned = np.zeros_like(u)
    for s, length in enumerate(own if lengths else [LONGEST] * SEQUENCES):
        turned[:length, s] = u[:length, s][::-1]
    given, steps = ({"lengths": own}, T) if lengths else ({}, LONGEST)
    reverse = networks("gru")._replace(direction="reverse")
    found = quantity.measure(reverse, recorded(u=u, **given), T=steps, **PROTOCOLS[quantity])
    expected = quantity.measure(networks("gru"), recorded(u=turned, **given), T=steps, **PROTOCOLS[quantity])
    for key, values in expected.items():
        np.testing.assert_array_equal(found[key], values, err_msg=key)
