"""Each mistake in a file of weights, in words; what is left out of a file by name."""

import numpy as np
import pytest
from conftest import small_cell
from pytorch_layers import H, N, inputs, our_outputs, pytorch_outputs, state_dict

from engine.results.importing import read_network

MISTAKES = {
    "two readouts": (
        lambda s: s.update({"out.weight": np.ones((1, H))}),
        "gru",
        "Name it as `readout`; it could be fc.weight or out.weight",
    ),
    "a readout of other units": (
        lambda s: s.update({"W_o": np.ones((H, 7))}),
        "gru",
        r"W_o has shape \(5, 7\), expected is \(outputs, 5\) for 5 units; it is transposed",
    ),
    "biases of other outputs": (
        lambda s: s.update({"fc.weight": np.ones((7, H)), "fc.bias": np.ones(3)}),
        "gru",
        r"fc.bias has shape \(3,\), expected is \(7,\) for 7 outputs",
    ),
    "another cell": (
        lambda s: None,
        "lstm",
        r"weight_hh_l0 has shape \(15, 5\), expected of lstm is \(20, 5\); it fits gru",
    ),
    "no layer of PyTorch": (
        lambda s: None,
        "multi",
        "this is a layer of PyTorch, and so no multi cell; allowed are plain",
    ),
    "inputs of another layer": (
        lambda s: s.update({"rnn.weight_ih_l0": np.ones((12, N))}),
        "gru",
        r"weight_ih_l0 has shape \(12, 3\), expected of gru is \(15, inputs\)",
    ),
    "no inputs": (
        lambda s: s.pop("rnn.weight_ih_l0"),
        "gru",
        r"there is no weight_ih_l0; found in it: rnn.weight_hh_l0, fc.weight$",
    ),
    "no layer": (
        lambda s: s.update({"rnn.w_hh_l0": s.pop("rnn.weight_hh_l0")}),
        "gru",
        "there is no weight_hh_l0 of PyTorch and no W_r of our cells, did you mean 'rnn.w_hh_l0'",
    ),
    "a bias of another layer": (
        lambda s: s.update({"rnn.bias_hh_l0": np.ones(20)}),
        "gru",
        r"bias_hh_l0 has shape \(20,\), expected of gru is \(15,\)",
    ),
    "two layers": (
        lambda s: s.update({"rnn.weight_hh_l1": np.ones((15, H)), "rnn.bias_hh_l1": np.ones(15)}),
        "gru",
        "rnn.bias_hh_l1, rnn.weight_hh_l1: of a further layer; .* name under `ignore`",
    ),
    "two directions": (
        lambda s: s.update({"rnn.weight_ih_l0_reverse": np.ones((15, N))}),
        "gru",
        "weight_ih_l0_reverse: of the other direction; each is measured by itself, as `direction: forward` or",
    ),
    "a projection": (
        lambda s: s.update({"rnn.weight_hr_l0": np.ones((2, H))}),
        "gru",
        r"weight_hr_l0: of a projection \(proj_size\)",
    ),
    "peepholes": (lambda s: s.update({"w_ci": np.ones(H)}), "gru", "w_ci: of peepholes"),
    "a normalization": (lambda s: s.update({"ln.weight": np.ones(H)}), "gru", "ln.weight: of a normalization"),
    "an initial state by another name": (
        lambda s: s.update({"init_h": np.ones((1, H))}),
        "gru",
        "init_h: of an initial state: name one array, or h and c, as `start`",
    ),
    "an initial state of other units": (
        lambda s: s.update({"h0": np.ones((1, 4))}),
        "gru",
        "the initial state has 5 numbers, of an LSTM h and c, and found is h0 of 4",
    ),
    "a name that holds init": (
        lambda s: s.update({"finite": np.ones(1)}),
        "gru",
        "finite: no part of such a cell",
    ),
    "a nameless bias": (lambda s: s.update({"out_bias": np.ones(1)}), "gru", "out_bias: a bias, but not by its name"),
    "two biases of the readout": (
        lambda s: s.update({"fc.bias": np.ones(1), "b_o": np.ones(1)}),
        "gru",
        "b_o: a bias, but not by its name",
    ),
    "a head of two matrices": (
        lambda s: s.update({"head.0.weight": s.pop("fc.weight"), "head.2.weight": np.ones((1, 1))}),
        "gru",
        "head.2.weight: no part of such a cell and one linear readout",
    ),
    "an encoder before the layer": (
        lambda s: s.update({"encoder.weight": np.ones((N, 9))}),
        "gru",
        "encoder.weight: no part of such a cell and one linear readout",
    ),
    "whole numbers": (
        lambda s: s.update({name: w.astype("i1") for name, w in s.items() if name != "fc.weight"}),
        "gru",
        "of type int8: rnn.weight_ih_l0, rnn.weight_hh_l0; .* quantized ones .* before they are quantized$",
    ),
    "a weight drop": (
        lambda s: s.update({"rnn.weight_hh_l0_raw": s.pop("rnn.weight_hh_l0")}),
        "gru",
        "no W_r of our cells; rnn.weight_hh_l0_raw: of a weight drop, .* name without _raw; found in it: [^;]*$",
    ),
    "a parametrization": (
        lambda s: s.update({"rnn.parametrizations.weight_hh_l0.original0": s.pop("rnn.weight_hh_l0")}),
        "gru",
        r"original0: of a parametrization: .*remove_parametrizations\(module, name\)",
    ),
    "a weight norm": (
        lambda s: s.update({"rnn.weight_hh_l0_g": np.ones(15), "rnn.weight_hh_l0_v": s.pop("rnn.weight_hh_l0")}),
        "gru",
        r"rnn.weight_hh_l0_g, rnn.weight_hh_l0_v: of a parametrization: .*remove_weight_norm\(module, name\)",
    ),
    "transposed kernels": (
        lambda s: s.update({"rnn.weight_hh_l0": s["rnn.weight_hh_l0"].T}),
        "gru",
        "transposed, as Keras stores it, it fits gru; gates have another order",
    ),
    "transposed inputs": (
        lambda s: s.update({"rnn.weight_ih_l0": s["rnn.weight_ih_l0"].T}),
        "gru",
        r"weight_ih_l0 has shape \(3, 15\), expected of gru is \(15, inputs\); it is transposed",
    ),
    "arrays without names": (
        lambda s: s.update({f"arr_{i}": s.pop(name) for i, name in enumerate(list(s))}),
        "gru",
        r"arr_0, arr_1, arr_2: an array without a name: numpy.savez\(path, \*\*{name: array",
    ),
    "no cell, and an unknown array": (
        lambda s: s.update({"rnn.weight_hh_l0": np.ones((20, H)), "other": np.ones(3)}),
        "gru",
        "it fits lstm$",
    ),
    "names of Keras": (
        lambda s: s.update({"gru/recurrent_kernel": s.pop("rnn.weight_hh_l0").T}),
        "gru",
        "gru/recurrent_kernel: of Keras or TensorFlow, which store weights transposed",
    ),
    "two networks": (
        lambda s: s.update({"b.weight_hh_l0": np.ones((15, H))}),
        "gru",
        r"several weight_hh_l0 \(rnn.weight_hh_l0, b.weight_hh_l0\)",
    ),
    "a readout of more units": (
        lambda s: s.update({"W_o": np.ones((1, 6))}),
        "gru",
        r"W_o has shape \(1, 6\), expected is \(outputs, 5\) for 5 units",
    ),
    "not a number": (lambda s: s.update({"fc.weight": np.full((1, H), np.nan)}), "gru", "no finite numbers"),
}


@pytest.mark.parametrize("mistake", MISTAKES)
def test_a_mistake_is_said_in_words(mistake, tmp_path):
    change, kind, message = MISTAKES[mistake]
    state = state_dict("gru")
    change(state)
    np.savez(tmp_path / "a.npz", **state)
    with pytest.raises(ValueError, match=message) as caught:
        read_network(tmp_path / "a.npz", kind, {})
    assert str(caught.value).startswith(f"{tmp_path / 'a.npz'}: ") and "\n" not in str(caught.value)


def test_own_weights_that_are_missing_or_do_not_fit_are_named(tmp_path):
    cell = small_cell("scalar")
    weights = {"W_o": np.ones(H)} | {name: w for name, w in cell.unpack(np.ones(cell.shape)).items()}
    np.savez(tmp_path / "a.npz", **{("w_rec" if name == "w_r" else name): w for name, w in weights.items()})
    with pytest.raises(ValueError, match=r"there is no w_r, did you mean 'w_rec'\?; found in it: W_o, W_r"):
        read_network(tmp_path / "a.npz", "scalar", {})
    np.savez(tmp_path / "a.npz", **(weights | {"W_i": np.ones((N, H)), "w_i": np.ones(N)}))
    with pytest.raises(ValueError, match=r"W_r has shape \(5, 5\), expected is \(3, 3\)"):
        read_network(tmp_path / "a.npz", "scalar", {})
    np.savez(tmp_path / "a.npz", **(weights | {"W_r": np.ones((H, H + 1))}))
    with pytest.raises(ValueError, match=r"W_r has shape \(5, 6\), expected is \(5, 5\) for 5 units and 3 inputs"):
        read_network(tmp_path / "a.npz", "scalar", {})


def test_all_reasons_come_at_once(tmp_path):
    state = state_dict("gru", biases=True)
    state |= {"fc.weight": np.ones((7, H)), "init": np.ones((1, H)), "norm.weight": np.ones(H), "x": np.ones(1)}
    np.savez(tmp_path / "a.npz", **state)
    with pytest.raises(ValueError, match=r"ignore: there is no norm.weigh, did you mean 'norm.weight'") as caught:
        read_network(tmp_path / "a.npz", "gru", {}, ignore=["norm.weigh", "x"])
    for reason in ("for 7 outputs", "init: of an initial", "norm.weight: of a normalization"):
        assert reason in str(caught.value)
    assert not any(name in str(caught.value) for name in ("x:", "rnn.bias", "fc.weight"))


def test_a_module_called_b_is_no_bias(tmp_path):
    np.savez(tmp_path / "a.npz", **state_dict("gru"), **{"b.kept": np.ones((4, 4))})
    with pytest.raises(ValueError, match=r"b\.kept") as caught:
        read_network(tmp_path / "a.npz", "gru", {})
    assert "a bias" not in str(caught.value)


def test_what_is_named_is_left_out(tmp_path):
    state = state_dict("gru", biases=True)
    others = {"encoder.weight": np.ones((N, 9)), "aux.weight": np.ones((2, H)), "rnn.weight_hh_l1": np.ones((15, H))}
    np.savez(tmp_path / "a.npz", **state, **others)
    imported = read_network(tmp_path / "a.npz", "gru", {}, ignore=["aux.*", "encoder.weight", "*_l1"])
    assert imported.left_out == sorted(others)
    np.testing.assert_allclose(our_outputs(imported, inputs()), pytorch_outputs("gru", state, inputs()), rtol=1e-12)


def test_a_layer_of_a_larger_model_is_measured_by_its_name(tmp_path):
    """A file with two networks; its readout is read if it is named."""
    state = state_dict("gru", module="encoder.rnn.", biases=True)
    others = {"decoder.rnn.weight_hh_l0": np.ones((15, H)), "head.weight": np.ones((9, H)), "norm.bias": np.ones(H)}
    np.savez(tmp_path / "a.npz", **state, **others)
    bare = read_network(tmp_path / "a.npz", "gru", {}, layer="encoder.rnn")
    assert bare.left_out == sorted([*others, "fc.weight", "fc.bias"]) and not bare.parameters.has_readout
    whole = read_network(tmp_path / "a.npz", "gru", {}, layer="encoder.rnn", readout="fc.weight", ignore=["norm.bias"])
    assert whole.left_out == sorted(others)
    expected = pytorch_outputs("gru", state, inputs(), module="encoder.rnn.")
    np.testing.assert_allclose(our_outputs(whole, inputs()), expected, rtol=1e-12)  # seven steps of rounding
    with pytest.raises(ValueError, match=r"layer: there is no encoder.rn, did you mean 'encoder.rnn'"):
        read_network(tmp_path / "a.npz", "gru", {}, layer="encoder.rn")
