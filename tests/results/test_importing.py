"""Networks from files: the equations of PyTorch's manual on its stacked weights, and each mistake in words."""

import numpy as np
import pytest
from conftest import ALL_CELLS, small_cell
from test_arrays import write_safetensors

from engine.measures import anisotropy, effective_lr, expansion, gate_fits, gates
from engine.measures.each import left_out
from engine.network.ensemble import Networks
from engine.network.unroll import Parameters, forward, loss_and_gradient, readout
from engine.results.importing import read_network
from engine.results.networks import load_networks, save_networks
from engine.tasks.recorded import Recorded
from engine.training.train import initial_parameters

H, N, T, BATCH = 5, 3, 7, 4
GATES = {"plain": 1, "gru": 3, "lstm": 4}


def state_dict(kind, module="rnn.", layer="_l0", dtype="float64", biases=False, inputs=N):
    """Weights as nn.RNN, nn.GRU or nn.LSTM and a linear readout keep them."""
    rng, rows = np.random.default_rng(7), GATES[kind] * H
    shapes = {f"{module}weight_ih{layer}": (rows, inputs), f"{module}weight_hh{layer}": (rows, H), "fc.weight": (1, H)}
    if biases:
        shapes |= {f"{module}bias_{side}{layer}": (rows,) for side in ("ih", "hh")} | {"fc.bias": (1,)}
    return {name: rng.normal(size=shape).astype(dtype) for name, shape in shapes.items()}


def sigma(s):
    return 1 / (1 + np.exp(-s))


# One step for one sequence, as the pages of nn.RNN, nn.GRU and nn.LSTM have it, biases included.
def rnn_step(w_ih, w_hh, b_ih, b_hh, x, state):
    return (np.tanh(w_ih @ x + b_ih + w_hh @ state[0] + b_hh),)


def gru_step(w_ih, w_hh, b_ih, b_hh, x, state):
    (h,) = state
    i_r, i_z, i_n = np.split(w_ih @ x + b_ih, 3)
    h_r, h_z, h_n = np.split(w_hh @ h + b_hh, 3)
    r, z = sigma(i_r + h_r), sigma(i_z + h_z)
    n = np.tanh(i_n + r * h_n)
    return ((1 - z) * n + z * h,)


def lstm_step(w_ih, w_hh, b_ih, b_hh, x, state):
    h, c = state
    i, f, g, o = np.split(w_ih @ x + b_ih + w_hh @ h + b_hh, 4)
    c = sigma(f) * c + sigma(i) * np.tanh(g)
    return sigma(o) * np.tanh(c), c


STEPS = {"plain": rnn_step, "gru": gru_step, "lstm": lstm_step}


def pytorch_outputs(kind, state, u, module="rnn.", layers=("_l0",)):
    """y_hat (batch,) for inputs u (T, n, batch) by the equations of the manual."""
    for layer in layers:
        u = pytorch_states(kind, state, u, module, layer)
    return state["fc.weight"][0] @ u[-1] + state.get("fc.bias", np.zeros(1))[0]


def pytorch_states(kind, state, u, module, layer):
    """h_t (T, H, batch) of a layer for what it reads, (T, n, batch)."""
    w_ih, w_hh = (state[f"{module}weight_{side}{layer}"] for side in ("ih", "hh"))
    nothing = np.zeros(len(w_ih))
    b_ih, b_hh = (state.get(f"{module}bias_{side}{layer}", nothing) for side in ("ih", "hh"))
    states = np.zeros((len(u), H, u.shape[2]))
    for b in range(u.shape[2]):
        carried = (np.zeros(H), np.zeros(H))[: 2 if kind == "lstm" else 1]
        for t, x in enumerate(u[:, :, b]):
            carried = STEPS[kind](w_ih, w_hh, b_ih, b_hh, x, carried)
            states[t, :, b] = carried[0]
    return states


def our_outputs(imported, u):
    cell, (W, W_o) = imported[:2]
    return readout(cell, W_o, forward(cell, W, u[:, None]).x_T)[0, 0]


def inputs():
    return np.random.default_rng(8).normal(size=(T, N, BATCH))


@pytest.mark.parametrize("kind", STEPS)
@pytest.mark.parametrize(("module", "layer"), [("rnn.", "_l0"), ("", "_l0"), ("net.cell.", "")])
@pytest.mark.parametrize("biases", [False, True])
def test_a_layer_of_pytorch_computes_what_its_manual_says(kind, module, layer, biases, tmp_path):
    state = state_dict(kind, module, layer, biases=biases)
    np.savez(tmp_path / "a.npz", **state)
    write_safetensors(tmp_path / "a.safetensors", state)
    expected = pytorch_outputs(kind, state, inputs(), module, [layer])
    for ending in ("npz", "safetensors"):
        imported = read_network(tmp_path / f"a.{ending}", kind, {})
        assert (imported.cell.units, imported.cell.inputs, imported.cell.bias) == (H, N, biases)
        assert imported.left_out == []
        # seven steps of rounding
        np.testing.assert_allclose(our_outputs(imported, inputs()), expected, rtol=1e-12)


@pytest.mark.parametrize("kind", STEPS)
def test_layers_of_pytorch_are_a_stack(kind, tmp_path):
    """Three of them, the second without biases."""
    state = state_dict(kind, biases=True)
    upper = [(1, state_dict(kind, inputs=H)), (2, state_dict(kind, inputs=H, biases=True))]
    state |= {
        name.replace("_l0", f"_l{i}"): 0.5 * i * w for i, part in upper for name, w in part.items() if "_l0" in name
    }
    np.savez(tmp_path / "a.npz", **state)
    imported = read_network(tmp_path / "a.npz", "stack", {"layers": [kind] * 3})
    assert [layer.bias for layer in imported.cell.layers] == [True, False, True]
    expected = pytorch_outputs(kind, state, inputs(), layers=("_l0", "_l1", "_l2"))
    np.testing.assert_allclose(our_outputs(imported, inputs()), expected, rtol=1e-12)  # seven steps of three layers
    with pytest.raises(ValueError, match=r"weight_ih_l2: of a further layer; .* several layers as one cell, such as"):
        read_network(tmp_path / "a.npz", "stack", {"layers": [kind] * 2})
    with pytest.raises(ValueError, match="there is no weight_hh_l3 of PyTorch and no layer4_W_r of our cells"):
        read_network(tmp_path / "a.npz", "stack", {"layers": [kind] * 4})
    np.savez(tmp_path / "a.npz", **state | {"rnn.weight_ih_l1": np.ones((GATES[kind] * H, N))})
    with pytest.raises(ValueError, match="layer 2 has 5 units and reads 3; allowed are layers of as many units"):
        read_network(tmp_path / "a.npz", "stack", {"layers": [kind] * 3})


@pytest.mark.parametrize("start", [(), ("h0", "c0")], ids=["by their names", "as named"])
@pytest.mark.parametrize("layers", [1, 2])
def test_an_initial_state_is_read_as_pytorch_keeps_it(layers, start, tmp_path):
    """h_0 and c_0 (layer, 1, H); an LSTM has h above c in every layer."""
    state, (h, c) = state_dict("lstm"), np.random.default_rng(2).normal(size=(2, layers, 1, H))
    state |= {name.replace("_l0", "_l1"): w for name, w in state_dict("lstm", inputs=H).items() if "_l0" in name}
    names = start or ("h_0", "c_0")
    np.savez(tmp_path / "a.npz", **state, **dict(zip(names, (h, c), strict=True)))
    kind, options = ("stack", {"layers": ["lstm"] * 2}) if layers == 2 else ("lstm", {})
    ignore = [] if layers == 2 else ["*_l1"]
    network = read_network(tmp_path / "a.npz", kind, options, ignore=ignore, start=start)
    expected = np.concatenate([part for both in zip(h[:, 0], c[:, 0], strict=True) for part in both])
    np.testing.assert_array_equal(network.x_0, expected)
    save_networks(network.networks(4), {}, tmp_path / "a.nc")
    np.testing.assert_array_equal(load_networks(tmp_path / "a.nc").x_0, expected)


def test_a_layer_keeps_the_initial_state_that_is_named(tmp_path):
    np.savez(tmp_path / "a.npz", **state_dict("gru", "encoder.rnn."), start=np.arange(5.0), h0=np.ones(5))
    found = read_network(tmp_path / "a.npz", "gru", layer="encoder.rnn", start=["start"])
    np.testing.assert_array_equal(found.x_0, np.arange(5.0))
    assert found.left_out == ["fc.weight", "h0"]


@pytest.mark.parametrize("name", ALL_CELLS)
def test_weights_under_our_names_come_back_as_they_are(name, tmp_path):
    cell = small_cell(name)
    options = {key: value for key, value in cell.settings.items() if key != "bias"}
    W, W_o = initial_parameters(cell, [3], "float32")
    np.savez(tmp_path / "a.npz", W_o=W_o[0, 0], **{key: w[0] for key, w in cell.unpack(W).items()})
    imported = read_network(tmp_path / "a.npz", cell.name, options)
    assert imported.cell == cell
    np.testing.assert_array_equal(imported.parameters.W, W)
    np.testing.assert_array_equal(imported.parameters.W_o, W_o)
    assert imported.parameters.W.dtype == np.float32


@pytest.mark.parametrize("key", ["fc.bias", "b_o"])
def test_the_bias_of_the_readout_is_a_weight_of_the_loss(key, tmp_path):
    """dL/db_o = 2 mean(y_hat - y)."""
    state = state_dict("lstm", biases=True)
    state[key] = state.pop("fc.bias")
    np.savez(tmp_path / "a.npz", **state)
    cell, parameters, *_ = read_network(tmp_path / "a.npz", "lstm", {})
    y = np.zeros((1, BATCH))
    _, gradient = loss_and_gradient(cell, parameters, inputs()[:, None], y)
    error = our_outputs((cell, parameters), inputs())
    # sums of four numbers
    np.testing.assert_allclose(gradient.W_o[0, 0, H], 2 * error.mean(), rtol=1e-14)
    np.testing.assert_allclose(error, pytorch_outputs("lstm", state | {"fc.bias": state[key]}, inputs()), rtol=1e-12)


@pytest.mark.parametrize(("kind", "biases"), [("lstm", False), ("gru", True)])
def test_a_file_as_that_of_a_training_and_every_quantity_on_recorded_sequences(kind, biases, tmp_path):
    """The state of an LSTM is larger than its units; T is that of the recorded sequences."""
    np.savez(tmp_path / "a.npz", **state_dict(kind, dtype="float32", biases=biases))
    cell, parameters, *_ = read_network(tmp_path / "a.npz", kind, {})
    imported = Networks(cell, Parameters(*(p[None] for p in parameters)), (4,), (0,))
    save_networks(imported, {"title": "a test"}, tmp_path / "a.nc")
    networks = load_networks(tmp_path / "a.nc")
    for found, expected in zip(networks.parameters, imported.parameters, strict=True):
        np.testing.assert_array_equal(found, expected)
    rng = np.random.default_rng(9)
    task = Recorded(rng.normal(size=(9, N, 12)), rng.normal(size=12))
    probe = {"T": 9, "probe_batch": 6}
    found = effective_lr.measure(networks, task, rate=1.0, **probe)
    found |= anisotropy.measure(networks, task, **probe, lags=[1, 4], pairs=5, r=2, gradients=12)
    found |= gates.measure(networks, task, **probe, samples=2, lags=[1, 4], r=2)
    found |= expansion.measure(networks, task, T=9, epsilons=[0.01, 0.02, 0.05, 0.1, 0.2])
    quantities = effective_lr.QUANTITIES | anisotropy.QUANTITIES | gates.QUANTITIES | expansion.QUANTITIES
    assert found.keys() == quantities.keys()
    # no gradient enters W_r at x_0 = 0, and small singular values may be below the accuracy of double precision
    sparse = {"log_gradient_norm", "gradient_singular_values", "log_singular_values"}
    for name, array in found.items():
        assert len(array) == 1 and (name in sparse or np.isfinite(array).all()), name


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
        "of type int8: rnn.weight_ih_l0, rnn.weight_hh_l0; .* quantized ones need their scale",
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
        "it fits lstm; found in it: .*, other$",
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


@pytest.mark.parametrize(("arrays", "name"), [({}, "fc.weight"), ({"fc.weight": None}, "none")])
def test_the_readout_that_is_found_is_logged(arrays, name, tmp_path, caplog):
    state = {key: w for key, w in (state_dict("gru") | arrays).items() if w is not None}
    np.savez(tmp_path / "a.npz", **state)
    with caplog.at_level("INFO"):
        read_network(tmp_path / "a.npz", "gru", {})
    assert caplog.messages == [f"{tmp_path / 'a.npz'}: the readout is {name}"]


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


def test_half_precision_is_converted_exactly(tmp_path):
    state = state_dict("lstm", biases=True, dtype="float16")
    np.savez(tmp_path / "a.npz", **state)
    exact = {name: array.astype("float64") for name, array in state.items()}
    found = our_outputs(read_network(tmp_path / "a.npz", "lstm", {}), inputs())
    np.testing.assert_allclose(found, pytorch_outputs("lstm", exact, inputs()), rtol=1e-12)


def test_sums_of_biases_are_exact(tmp_path):
    state = state_dict("lstm", biases=True, dtype="float32")
    np.savez(tmp_path / "a.npz", **state)
    cell, (W, _), *_ = read_network(tmp_path / "a.npz", "lstm", {})
    exact = state["rnn.bias_ih_l0"].astype("float64") + state["rnn.bias_hh_l0"]
    np.testing.assert_array_equal(cell.unpack(W[0])["input_b"], exact[:H])


@pytest.mark.parametrize(("readout", "targets"), [(False, False), (True, False), (False, True)])
def test_what_takes_no_loss_is_measured_without_one(readout, targets, tmp_path):
    """The rest is as with a loss, and what a loss takes is left out, also from the file of the network."""
    state, rng = state_dict("lstm", biases=True), np.random.default_rng(9)
    task = Recorded(rng.normal(size=(9, N, 6)), rng.normal(size=6))
    found = []
    for with_loss in (True, False):
        kept = {k: w for k, w in state.items() if readout or with_loss or not k.startswith("fc.")}
        np.savez(tmp_path / "a.npz", **kept)
        cell, parameters, *_ = read_network(tmp_path / "a.npz", "lstm", {})
        networks = Networks(cell, Parameters(*(p[None] for p in parameters)), (4,), (0,))
        save_networks(networks, {}, tmp_path / "a.nc")
        networks = load_networks(tmp_path / "a.nc")
        assert networks.parameters.has_readout == (readout or with_loss)
        task = Recorded(task.u, task.y if targets or with_loss else None)
        probe = {"T": 9, "probe_batch": 6}
        arrays = gates.measure(networks, task, **probe, samples=2, lags=[1, 4], r=2)
        arrays |= anisotropy.measure(networks, task, **probe, lags=[1, 4], pairs=5, r=2, gradients=6 * with_loss)
        quantities = gates.QUANTITIES | anisotropy.QUANTITIES
        has = {"readout": networks.parameters.has_readout, "targets": task.has_targets}
        unsaid = left_out(quantities, **has)
        found.append({name: array for name, array in arrays.items() if name not in unsaid})
    whole, part = found
    assert {"log_gradient_norm", "gradient_anisotropy", "tau_parameter"} <= whole.keys() - part.keys()
    assert {"tau_state", "log_transport_norm", "jacobian_anisotropy"} <= part.keys()
    assert ("alignment_energy" in part) == readout
    for name in part.keys() - {"momentum_horizon"}:
        if name in gate_fits.QUANTITIES and whole[name].ndim == 3:  # by profile, the last that of the gradient
            assert not np.nan_to_num(part[name][..., 3]).any()
            part[name], whole[name] = part[name][..., :3], whole[name][..., :3]
        np.testing.assert_array_equal(part[name], whole[name])
    assert np.isnan(part["momentum_horizon"]).all()


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
