"""Networks of one's own and the protocols that measure them: what does not fit is said before anything runs."""

import numpy as np
import pytest
from pytorch_layers import inputs, our_outputs, pytorch_outputs, state_dict

from engine.results.importing import read_network
from engine.results.matching import fit_mistakes
from engine.tasks.recorded import read_sequences
from workflow.networks import imported, network_mistakes, protocol

BLOCKS = {
    "expansion": {"epsilons": [0.1], "T": 7},
    "effective_lr": {"probe_batch": 4, "T": 7},
    "anisotropy": {"probe_batch": 4, "lags": [1, 2], "pairs": 3, "gradients": 4, "rank": 2, "T": 7},
    "gates": {"probe_batch": 4, "samples": 2, "lags": [1, 2], "rank": 2},
    "lyapunov": {"transient": 0.1, "blocks": 2, "samples": 2, "exponents": 2},
}


def configuration(tmp_path, kind="lstm", data=None, **changes):
    """One network with biases on sequences of a file, T = 7, n = 3, four of them."""
    np.savez(tmp_path / "w.npz", **state_dict(kind, biases=True))
    np.savez(tmp_path / "d.npz", **({"u": np.swapaxes(inputs(), 1, 2), "y": np.zeros(4)} | (data or {})))
    entry = {"file": str(tmp_path / "w.npz"), "cell": kind, "data": str(tmp_path / "d.npz")}
    blocks = {name: block | changes.get(name, {}) for name, block in BLOCKS.items()}
    return {"networks": {"a": entry}, "cells": {kind: {}}, "units": 5} | blocks


def said(config):
    return list(dict.fromkeys(network_mistakes(config, "a")))


def test_what_fits_passes(tmp_path):
    assert said(configuration(tmp_path)) == []


def test_without_targets_there_need_be_no_gradients(tmp_path):
    config = configuration(tmp_path, anisotropy={"gradients": 256})
    np.savez(tmp_path / "d.npz", u=np.swapaxes(inputs(), 1, 2))
    assert said(config) == []
    assert protocol(config, "a", "anisotropy")["gradients"] == 0


MISTAKES = {
    "rank beyond the gradients": (
        {"anisotropy": {"rank": 9}},
        "anisotropy.rank = 9 is too large for anisotropy.gradients",
    ),
    "rank equal to the gradients": (
        {"anisotropy": {"rank": 4}},
        "anisotropy.rank = 4 is too large for anisotropy.gradients",
    ),
    "rank beyond the state": ({"gates": {"rank": 11}}, "gates.rank = 11 is too large for a state of 10"),
    "samples beyond the batch": ({"gates": {"samples": 5}}, "gates.samples = 5 is more than gates.probe_batch = 4"),
    "too few for the gradients": (
        {"anisotropy": {"gradients": 5}},
        "data: it has 4 sequences, and anisotropy.gradients = 5",
    ),
    "too few for the probes": ({"gates": {"probe_batch": 6}}, "data: it has 4 sequences, and gates.probe_batch = 6"),
    "one step": ({"data": {"u": np.ones((1, 4, 3))}}, "data: its sequences have T = 1, allowed is T = 3 or more"),
    "other channels": (
        {"data": {"u": np.ones((7, 4, 2))}},
        "d.npz: recorded sequences: u has 2 channels, and the network reads 3",
    ),
    "a long lag": ({"gates": {"lags": [7]}}, "gates.lags: 7 is too long for T = 7"),
    "other outputs": (
        {"data": {"expected": np.array([9.0, 9.0])}},
        "the network gives other outputs than `expected`, by",
    ),
    "several targets": ({"data": {"y": np.zeros((4, 3))}}, "d.npz: the network has 1 output, and the targets need 3"),
    "states of another size": (
        {"data": {"x_0": np.zeros((4, 4)), "expected": np.ones(2)}},
        "d.npz: x_0 has states of 4 numbers, and that of the network has 10: of an LSTM h and c, and of layers one",
    ),
    "states in another order": (
        {"data": {"x_0": np.ones((4, 10)), "expected": np.array([9.0])}},
        "weights transposed, an x_0 in another order (of an LSTM h and c",
    ),
    "classes": ({"data": {"y": np.zeros(4, int)}}, "their loss is the cross-entropy, unless `loss` names another one"),
    "expected states of another size": (
        {"data": {"expected": np.ones((7, 2, 4))}},
        r"expected has shape (7, 2, 4), and the network gives (7, 2, 5)",
    ),
}


@pytest.mark.parametrize("mistake", MISTAKES)
def test_a_mistake_is_said_once(mistake, tmp_path):
    changes, message = MISTAKES[mistake]
    lines = said(configuration(tmp_path, **changes))
    assert sum(message in line for line in lines) == 1


def test_a_loss_can_be_named_of_targets_in_a_file(tmp_path):
    config = configuration(tmp_path, data={"y": np.zeros(4, int)})
    config["networks"]["a"]["loss"] = "squared_error"
    assert said(config) == []
    config["networks"]["a"] = {key: value for key, value in config["networks"]["a"].items() if key != "data"}
    config["networks"]["a"]["task"], config["lyapunov"]["T"] = "adding", 7
    assert said(config) == ["loss: it is that of targets in a file of `data`; a task says its own"]


AT_ONCE = {
    "of protocols": (
        {"anisotropy": {"rank": 9}, "gates": {"samples": 5, "lags": [7]}},
        {},
        ["anisotropy.rank = 9", "gates.lags: 7 is too long", "gates.samples = 5 is more", "gates.samples = 5 asks"],
    ),
    "of the weights, the sequences and the protocols": (
        {"data": {"y": np.zeros(3), "z": np.zeros(1)}, "anisotropy": {"rank": 4}, "gates": {"samples": 5}},
        {"norm.bias": np.zeros(5)},
        ["w.npz: norm.bias: of a normalization", "d.npz: unknown arrays z", "gates.samples = 5 is more"],
    ),
    "of the weights, and of sequences with them": (
        {"data": {"u": np.ones((2, 4, 3))}, "gates": {"lags": [7], "probe_batch": 6}},
        {"norm.bias": np.zeros(5)},
        [
            "w.npz: norm.bias: of a norm",
            "data: its sequences have T = 2",
            "data: it has 4 sequences, and gates.probe_batch",
        ],
    ),
    "of the sequences, and of a protocol with the weights": (
        {"data": {"y": np.zeros(3)}, "gates": {"rank": 11}},
        {},
        ["d.npz: y has shape (3,)", "gates.rank = 11 is too large for a state of 10"],
    ),
    "of a protocol and of the outputs": (
        {"gates": {"samples": 5}, "data": {"expected": np.array([9.0])}},
        {},
        ["gates.samples = 5 is more", "gates.samples = 5 asks", "other outputs than `expected`"],
    ),
}


@pytest.mark.parametrize("mistakes", AT_ONCE)
def test_all_mistakes_come_at_once(mistakes, tmp_path):
    changes, arrays, parts = AT_ONCE[mistakes]
    config = configuration(tmp_path, **changes)
    np.savez(tmp_path / "w.npz", **state_dict("lstm", biases=True), **arrays)
    lines = said(config)
    assert [sum(part in line for line in lines) for part in parts] == [1] * len(parts) and len(lines) == len(parts)


def test_the_files_of_an_unknown_cell_are_read(tmp_path):
    config = configuration(tmp_path, data={"y": np.zeros(3)})
    config["networks"]["a"] |= {"cell": "gruu", "file": "a.onnx"}
    lines = said(config)
    assert ["a.onnx is not there" in lines[0], "y has shape (3,)" in lines[1]] == [True, True] and len(lines) == 2


def states(kind, state):
    """h_t (T, sequence, H) by the equations of PyTorch's manual: the outputs of readouts that pick one unit each."""
    units = np.eye(5)
    found = [
        [
            pytorch_outputs(kind, state | {"fc.weight": units[i : i + 1], "fc.bias": np.zeros(1)}, inputs()[: t + 1])
            for i in range(5)
        ]
        for t in range(7)
    ]
    return np.moveaxis(np.array(found), 1, 2)


def test_states_of_sequences_that_begin_elsewhere_are_compared(tmp_path):
    """The states of one run, from its third step on, for sequences that have ended one and no step before."""
    state, x_0 = state_dict("gru", biases=True), states("gru", state_dict("gru", biases=True))[2, :2]
    u, later = np.swapaxes(inputs(), 1, 2)[3:, :2], states("gru", state)[3:, :2]
    later[3:, 0] = 0  # as PyTorch pads
    data = {"u": u, "x_0": x_0, "lengths": np.array([3, 4]), "y": np.zeros(2)}
    config = configuration(tmp_path, "gru", data | {"expected": later})
    assert not any("expected" in line for line in mistakes_of(config))
    config = configuration(tmp_path, "gru", data | {"expected": later, "x_0": 0 * x_0})
    assert any("the network gives other outputs than `expected`" in line for line in mistakes_of(config))
    config = configuration(tmp_path, "gru", data | {"x_0": x_0[:, :4]})
    assert any(
        "x_0 has states of 4 numbers, and that of the network has 5: of an LSTM h and c, and of layers" in line
        for line in mistakes_of(config)
    )


def mistakes_of(config):
    return [*fit_mistakes(imported(config, "a"), read_sequences(config["networks"]["a"]["data"]))]


@pytest.mark.parametrize("kind", ["plain", "gru", "lstm"])
def test_expected_outputs_or_states_are_compared(kind, tmp_path):
    state = state_dict(kind, biases=True)
    outputs, h = pytorch_outputs(kind, state, inputs())[:2], states(kind, state)[:, :2]
    for expected in (outputs, h):
        assert said(configuration(tmp_path, kind, {"expected": expected.astype("f4")})) == []
        [line] = said(configuration(tmp_path, kind, {"expected": -expected}))
        assert "other outputs than `expected`" in line


@pytest.mark.parametrize("kind", ["gru", "lstm"])
def test_gates_in_another_order_are_noticed(kind, tmp_path):
    """Those of a GRU as Keras has them, and two of an LSTM exchanged."""
    right = state_dict(kind, biases=True)
    expected = pytorch_outputs(kind, right, inputs())
    config = configuration(tmp_path, kind, {"expected": expected})
    order = {"gru": [1, 0, 2], "lstm": [0, 1, 3, 2]}[kind]
    moved = {
        k: np.concatenate([np.split(w, len(order))[i] for i in order]) if "rnn" in k else w for k, w in right.items()
    }
    np.savez(tmp_path / "w.npz", **moved)
    assert np.isfinite(our_outputs(read_network(tmp_path / "w.npz", kind, {}), inputs())).all()
    [line] = said(config)
    assert "gates in another order, weights transposed" in line
