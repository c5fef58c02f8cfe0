"""Networks from files: they compute what PyTorch's manual says, and every quantity is measured of them."""

import numpy as np
import pytest
from conftest import ALL_CELLS, small_cell
from pytorch_layers import (
    BATCH,
    GATES,
    STEPS,
    H,
    N,
    inputs,
    our_outputs,
    pytorch_outputs,
    state_dict,
)
from test_arrays import write_safetensors

from engine.measures import anisotropy, effective_lr, expansion, gate_fits, gates
from engine.measures.each import left_out
from engine.network.ensemble import Networks
from engine.network.unroll import Parameters, loss_and_gradient
from engine.results.importing import read_network
from engine.results.networks import load_networks, save_networks
from engine.tasks.recorded import Recorded
from engine.training.train import initial_parameters


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
    assert found.keys() == quantities.keys() - {"log_sensitivity_error"}  # which only drawn pairs have
    # no gradient enters W_r at x_0 = 0, and small singular values may be below the accuracy of double precision
    sparse = {"log_gradient_norm", "gradient_singular_values", "log_singular_values"}
    for name, array in found.items():
        assert len(array) == 1 and (name in sparse or np.isfinite(array).all()), name


@pytest.mark.parametrize(("arrays", "name"), [({}, "fc.weight"), ({"fc.weight": None}, "none")])
def test_the_readout_that_is_found_is_logged(arrays, name, tmp_path, caplog):
    state = {key: w for key, w in (state_dict("gru") | arrays).items() if w is not None}
    np.savez(tmp_path / "a.npz", **state)
    with caplog.at_level("INFO"):
        read_network(tmp_path / "a.npz", "gru", {})
    assert caplog.messages == [f"{tmp_path / 'a.npz'}: the readout is {name}"]


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
