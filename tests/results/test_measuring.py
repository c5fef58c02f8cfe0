"""A measured quantity as a dataset: in a notebook as in the files of a run."""

import numpy as np
import pytest
from test_importing import state_dict

from engine.measures import anisotropy, gates
from engine.results.importing import read_network
from engine.results.measuring import measure, measured
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


def test_what_takes_a_loss_is_left_out_and_named(tmp_path, caplog):
    network, sequences = imported(tmp_path), recorded(u=SEQUENCES)
    found = measured(anisotropy, network.networks(3), sequences, T=7, pairs=3, gradients=0, **PROTOCOL)
    assert "jacobian_anisotropy" in found and "gradient_anisotropy" not in found
    assert "so no gradient_anisotropy, gradient_energy" in caplog.text


def test_arrays_that_are_no_sequences_are_refused():
    with pytest.raises(ValueError, match=r"^u has shape \(7, 6\), expected is \(time, sequence, channel\)"):
        recorded(u=SEQUENCES[:, :, 0])
