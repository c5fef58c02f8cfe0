"""A measured quantity as a dataset: in a notebook as in the files of a run."""

import logging
from dataclasses import replace

import numpy as np
import pytest
from pytorch_layers import state_dict

from engine.losses.cross_entropy import CrossEntropy
from engine.measures import anisotropy, expansion, gates
from engine.network.unroll import forward, lag_gradients, readout
from engine.results.importing import read_network
from engine.results.measuring import measured
from engine.results.notebook import measure
from engine.tasks.batches import ensemble_batch
from engine.tasks.recorded import recorded

PROTOCOL = {"lags": [1, 2], "r": 2, "probe_batch": 4}
SEQUENCES = np.random.default_rng(0).normal(size=(7, 6, 3))


def imported(tmp_path):
    np.savez(tmp_path / "w.npz", **state_dict("gru", biases=True))
    return read_network(tmp_path / "w.npz", "gru")


def test_an_imported_network_is_measured_on_arrays(tmp_path):
    network, sequences = imported(tmp_path), recorded(u=SEQUENCES, y=np.arange(6.0))
    found = measure(gates, network, sequences, seed=3, samples=2, **PROTOCOL)
    expected = gates.measure(network.networks(3), sequences, T=7, samples=2, **PROTOCOL)
    for name, values in expected.items():
        np.testing.assert_array_equal(found[name], values)
    assert found.title == "Gates as optimizers, time scales, alignment: gru on recorded"
    assert found.seed == [3] and found.checkpoint == [0] and found.weights_file == "w.npz"
    assert found.log_gradient_norm.equation == "[BPTT.lag]"


@pytest.mark.parametrize("every_step", [False, True])
def test_a_network_of_several_outputs_is_measured_on_classes(tmp_path, caplog, every_step):
    """By G_h of its own cross-entropy; `expected` has the outputs of the last step."""
    caplog.set_level(logging.INFO)
    rng, state = np.random.default_rng(1), state_dict("gru", biases=True)
    state |= {"fc.weight": rng.normal(size=(4, 5)), "fc.bias": rng.normal(size=4)}
    np.savez(tmp_path / "w.npz", **state)
    network, y = read_network(tmp_path / "w.npz", "gru"), rng.integers(0, 4, (7, 6) if every_step else 6)
    cell, parameters = network.cell, network.parameters
    outputs = readout(cell, parameters.W_o, forward(cell, parameters.W, np.moveaxis(SEQUENCES, 2, 1)[:, None]).x_T)
    given = recorded(u=SEQUENCES, y=y, expected=outputs[0].T)
    found = measure(gates, network, given, samples=2, **PROTOCOL | {"probe_batch": 6})
    u, targets, _ = ensemble_batch(given, [1], "probe", 0, T=7, n=3, batch=6)
    G = lag_gradients(cell, parameters, u, targets, CrossEntropy(7 if every_step else 1))
    norms = np.linalg.norm(G.reshape(7, -1), axis=1)
    np.testing.assert_allclose(np.exp(found.log_gradient_norm.values[0, 0, 0]), norms, rtol=1e-11)  # seven walks back
    assert f"the loss is the mean cross-entropy of the last {'7 steps' if every_step else 'step'}" in caplog.text
    with pytest.raises(ValueError, match="other outputs than `expected`"):
        measure(gates, network, replace(given, expected=-given.expected), samples=2, **PROTOCOL)


def test_outputs_that_are_not_those_of_the_targets_are_refused(tmp_path):
    network = imported(tmp_path)
    four = network._replace(parameters=network.parameters._replace(W_o=np.ones((1, 4, 6))))
    with pytest.raises(ValueError, match="y has class 7, allowed are 0 to 3, since the network has 4 outputs"):
        measure(gates, four, recorded(u=SEQUENCES, y=[0, 1, 2, 3, 7, 0]), samples=2, **PROTOCOL)
    for y, needed in (
        (np.arange(6), "need 6: their loss is the cross-entropy, unless"),
        (np.ones((6, 3)), "need 3: their loss is the squared"),
    ):
        with pytest.raises(ValueError, match=f"the network has 1 output, and the targets {needed}"):
            measure(gates, network, recorded(u=SEQUENCES, y=y), samples=2, **PROTOCOL)
    with pytest.raises(ValueError, match=r"the targets need 3: their loss is the cross-entropy$"):
        measure(gates, network, "copy", T=10, samples=2, **PROTOCOL)


def test_a_loss_is_named_only_where_it_acts(tmp_path, caplog):
    caplog.set_level(logging.INFO)
    measure(expansion, imported(tmp_path), recorded(u=SEQUENCES, y=SEQUENCES[..., 0]), epsilons=[1, 2, 3, 4, 5])
    assert "the loss is" not in caplog.text


def test_what_takes_a_loss_is_left_out_and_named(tmp_path, caplog):
    network, sequences = imported(tmp_path), recorded(u=SEQUENCES)
    found = measured(anisotropy, network.networks(3), sequences, T=7, pairs=3, gradients=0, **PROTOCOL)
    assert "jacobian_anisotropy" in found and "gradient_anisotropy" not in found
    assert "so no gradient_anisotropy, gradient_energy" in caplog.text


def test_arrays_that_are_no_sequences_are_refused():
    with pytest.raises(ValueError, match=r"^u has shape \(7, 6\), expected is \(time, sequence, channel\)"):
        recorded(u=SEQUENCES[:, :, 0])
