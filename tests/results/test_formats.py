"""Files of Keras and ONNX against what Keras, PyTorch and onnxruntime compute: formats.zip, made by make_formats.py."""

from pathlib import Path
from zipfile import ZipFile

import netCDF4
import numpy as np
import pytest

from engine.common.arrays import read_arrays
from engine.network.unroll import forward, readout
from engine.results.importing import read_network

LAYERS = {  # in the file of Keras: the cell
    "elman": "plain",
    "rectified": "plain",
    "after": "gru",
    "before": "gru_before",
    "memory": "lstm",
    "both": "lstm",
    "hard": "lstm",
}
NODES = {  # file: the cell, the layers of a stack, and the readout
    "lstm_old.onnx": ("lstm", ["rnn.LSTM", "rnn.LSTM_1"], "fc.MatMul.weight"),
    "lstm_new.onnx": ("lstm", ["node_LSTM_64", "node_LSTM_125"], "node_MatMul_137.weight"),
    "gru_old.onnx": ("gru", None, None),
    "relu_old.onnx": ("plain", None, None),
    "before.onnx": ("gru_before", None, None),
    "hard.onnx": ("lstm", None, None),
}


@pytest.fixture(scope="module")
def folder(tmp_path_factory):
    """The files, and the weights of the .keras file as a file of their own."""
    folder = tmp_path_factory.mktemp("formats")
    ZipFile(Path(__file__).parent / "formats.zip").extractall(folder)
    ZipFile(folder / "model.keras").extract("model.weights.h5", folder)
    return folder


@pytest.fixture(scope="module")
def recorded(folder):
    """{name: array}: u (T, sequence, n) and what the frameworks made of it."""
    return dict(np.load(folder / "expected.npz"))


def states_of(network, u):
    """h_t (T, sequence, H) in float64 for u (T, sequence, n)."""
    W = network.parameters.W.astype("float64")
    trajectory = forward(network.cell, W, np.moveaxis(u, 2, 1)[:, None].astype("float64"))
    output = network.cell.output
    states = np.concatenate([trajectory.z[1:, 0, output], trajectory.x_T[:, output]])
    return np.moveaxis(states, 1, 2)


def assert_same(found, expected):
    # six steps of float32, whose numbers hold 6e-8 of themselves, against float64
    np.testing.assert_allclose(found, expected, atol=1e-6, rtol=1e-6)


@pytest.mark.parametrize("file", ["model.keras", "model.h5"])
@pytest.mark.parametrize("layer", LAYERS)
def test_layers_of_keras(layer, file, folder, recorded):
    network = read_network(folder / file, LAYERS[layer], layer=layer, ignore=["*_reverse"])
    expected = recorded[f"keras.{layer}"][..., :4]  # of both directions the one that runs forwards
    assert_same(states_of(network, recorded["u"]), expected)


def test_a_stack_of_keras_and_its_readout(folder, recorded):
    stack, asked = {"layers": ["lstm", "lstm"]}, {"layer": ["memory", "second"], "readout": "out.weight"}
    network = read_network(folder / "model.keras", "stack", stack, **asked)
    u = recorded["u"]
    assert_same(states_of(network, u), recorded["keras.second"])
    x_T = forward(network.cell, network.parameters.W, np.moveaxis(u, 2, 1)[:, None]).x_T
    assert_same(readout(network.cell, network.parameters.W_o, x_T)[0].ravel(), recorded["keras.out"][-1, :, 0])


def test_weights_of_keras_alone_are_called_by_class(folder, recorded):
    """There a layer computes as it does by default, and a GRU without two rows of biases resets before the product."""
    for layer, kind, expected in [
        ("lstm", "lstm", "memory"),
        ("gru_1", "gru_before", "before"),
        ("gru", "gru", "after"),
    ]:
        network = read_network(folder / "model.weights.h5", kind, layer=layer)
        assert_same(states_of(network, recorded["u"]), recorded[f"keras.{expected}"])


@pytest.mark.parametrize("file", NODES)
def test_nodes_of_onnx(file, folder, recorded):
    kind, layers, linear = NODES[file]
    options = {"layers": [kind] * len(layers)} if layers else {}
    asked = {"layer": layers, "readout": linear} if layers else {}
    network = read_network(folder / file, "stack" if layers else kind, options, **asked)
    u = recorded["u"]
    assert_same(states_of(network, u), recorded[file])
    if f"{file}.out" in recorded:
        x_T = forward(network.cell, network.parameters.W, np.moveaxis(u, 2, 1)[:, None]).x_T
        assert_same(readout(network.cell, network.parameters.W_o, x_T)[0].ravel(), recorded[f"{file}.out"][-1, :, 0])


@pytest.mark.parametrize(("file", "kind"), [("gru.pt", "gru"), ("both.pt", "gru"), ("relu.pt", "plain")])
def test_files_of_pytorch_from_before_1_6(file, kind, folder, recorded):
    options = {"nonlinearity": "relu"} if kind == "plain" else {}
    ignore = ["*_reverse"] if file == "both.pt" else []
    network = read_network(folder / file, kind, options, layer="rnn", ignore=ignore)
    assert_same(states_of(network, recorded["u"]), recorded[file][..., :4])


REFUSED = {
    ("clipped.onnx", "lstm"): "layer: clip$",
    ("sine.onnx", "lstm"): "layer: activations = Sigmoid, Sin, Tanh$",
    ("peepholes.onnx", "lstm"): "layer: peepholes, through which gates read the memory$",
    ("before.onnx", "gru"): "layer is a layer of the kind gru_before, and the cell is gru",
    ("model.keras", "lstm"): "there are several weight_hh_l0 .*: name one module as `layer`, or those of all layers",
}


@pytest.mark.parametrize(("file", "kind"), REFUSED)
def test_what_is_refused_is_said(file, kind, folder):
    with pytest.raises(ValueError, match=REFUSED[file, kind]):
        read_network(folder / file, kind)


def test_another_activation_is_refused(folder):
    with pytest.raises(ValueError, match="elu: activation = elu"):
        read_network(folder / "model.keras", "lstm", layer="elu")


@pytest.mark.parametrize("version", ["2.2.0", "2.2.4-tf"])
def test_weights_alone_of_an_old_keras(version, tmp_path):
    """Its gates were hard sigmoids by default, and those of TensorFlow either."""
    with netCDF4.Dataset(tmp_path / "a.h5", "w") as file:
        file.keras_version = version
        group = file.createGroup("lstm_1/lstm_1")
        for name, shape in {"kernel:0": (3, 16), "recurrent_kernel:0": (4, 16), "bias:0": (16,)}.items():
            dimensions = [group.createDimension(f"{name}{i}", n).name for i, n in enumerate(shape)]
            group.createVariable(name, "f4", dimensions)[...] = 0.5
    if version == "2.2.0":
        assert read_network(tmp_path / "a.h5", "lstm").cell.hard_gates == 0.2
        return
    message = r"lstm_1: recurrent_activation = sigmoid or hard_sigmoid, weights alone of Keras 2\.2\.4-tf"
    with pytest.raises(ValueError, match=message):
        read_network(tmp_path / "a.h5", "lstm")


def test_what_is_no_such_file_is_said(folder, tmp_path):
    for ending in ("keras", "h5", "onnx"):
        path = tmp_path / f"a.{ending}"
        path.write_bytes(b"no such file")
        with pytest.raises(ValueError, match=rf"a\.{ending} is no whole \.{ending} file"):
            read_network(path, "gru")
        whole = {"keras": "model.keras", "h5": "model.h5", "onnx": "gru_old.onnx"}[ending]
        path.write_bytes((folder / whole).read_bytes()[:-200])
        with pytest.raises(ValueError, match=rf"a\.{ending} is no whole \.{ending} file"):
            read_network(path, "gru")
    with pytest.raises(ValueError, match=r"arrays are read from \.npz, .*, \.keras, \.h5, \.hdf5, \.onnx"):
        read_network(tmp_path / "a.tflite", "gru")


def test_arrays_with_other_names(folder, tmp_path):
    """As in a file of another project, which has two layers side by side."""
    arrays = read_arrays(folder / "gru.pt")
    names = {f"{part}_{side}": f"enc_{part[0]}_{side}" for part in ("weight", "bias") for side in ("ih", "hh")}
    others = {"dec_w_hh": np.ones((3, 1))}
    np.savez(tmp_path / "a.npz", **{new: arrays[f"rnn.{name}_l0"] for name, new in names.items()}, **others)
    network = read_network(tmp_path / "a.npz", "gru", names=names, ignore=["dec_*"])
    expected = read_network(folder / "gru.pt", "gru", layer="rnn")
    np.testing.assert_array_equal(network.parameters.W, expected.parameters.W)
    with pytest.raises(ValueError, match="names: there is no enc_u_hh, did you mean 'enc_w_hh'"):
        read_network(tmp_path / "a.npz", "gru", names=names | {"weight_hh": "enc_u_hh"}, ignore=["dec_*"])
