"""Makes formats.zip: small models as Keras and PyTorch save them, and the states that these compute.

    KERAS_BACKEND=torch python make_formats.py

in an environment with keras, torch, onnx, onnxscript and onnxruntime. expected.npz has u (T, sequence, n), and for each
file and layer the states that it gives for what it reads, (T, sequence, H), and the outputs of the last readout.
"""

from pathlib import Path
from tempfile import TemporaryDirectory
from zipfile import ZIP_DEFLATED, ZipFile

import keras
import numpy as np
import onnxruntime
import torch
from keras import layers
from onnx import TensorProto, helper, load, numpy_helper, save

HERE = Path(__file__).parent
T, SEQUENCES, N, H = 6, 3, 3, 4
rng = np.random.default_rng(1)
u = rng.normal(size=(T, SEQUENCES, N)).astype("float32")


def keras_model():
    """One layer of each kind, in parallel on the same input, and under names that are not their classes'."""
    given = keras.Input((T, N))
    made = {
        "elman": layers.SimpleRNN(H, return_sequences=True, name="elman"),
        "rectified": layers.SimpleRNN(H, activation="relu", return_sequences=True, name="rectified"),
        "after": layers.GRU(H, return_sequences=True, name="after"),
        "before": layers.GRU(H, reset_after=False, return_sequences=True, name="before"),
        "memory": layers.LSTM(H, return_sequences=True, name="memory"),
        "second": layers.LSTM(H, return_sequences=True, name="second"),
        "both": layers.Bidirectional(layers.LSTM(H, return_sequences=True), name="both"),
        "hard": layers.LSTM(H, recurrent_activation="hard_sigmoid", return_sequences=True, name="hard"),
        "elu": layers.LSTM(H, activation="elu", return_sequences=True, name="elu"),
    }
    found = {name: layer(given) for name, layer in made.items() if name != "second"}
    found["second"] = made["second"](found["memory"])
    found["out"] = layers.Dense(1, name="out")(found["second"])
    model = keras.Model(given, found)
    model.compile(optimizer="adam", loss="mse")
    model.set_weights([rng.normal(0, 0.7, w.shape) for w in model.get_weights()])
    return model


def keras_files(folder):
    model = keras_model()
    model.save(folder / "model.keras")
    model.save(folder / "model.h5")
    found = model.predict(np.moveaxis(u, 1, 0), verbose=0)
    return {f"keras.{name}": np.moveaxis(states, 0, 1) for name, states in found.items()}


class Torch(torch.nn.Module):
    """Two layers and a readout."""

    def __init__(self, kind, **options):
        super().__init__()
        self.rnn = kind(N, H, **options)
        self.fc = torch.nn.Linear(H * (2 if self.rnn.bidirectional else 1), 1)

    def forward(self, x):
        states = self.rnn(x)[0]
        return states, self.fc(states)


TORCH = {
    "lstm": (torch.nn.LSTM, {"num_layers": 2}),
    "gru": (torch.nn.GRU, {}),
    "relu": (torch.nn.RNN, {"nonlinearity": "relu"}),
    "both": (torch.nn.GRU, {"bidirectional": True}),
}


def torch_files(folder):
    """By either exporter of PyTorch, and a state_dict as it was saved until 1.6."""
    found = {}
    for name, (kind, options) in TORCH.items():
        torch.manual_seed(2)
        model = Torch(kind, **options).eval()
        for exporter in ("old", "new") if name == "lstm" else ("old",):
            path = folder / f"{name}_{exporter}.onnx"
            torch.onnx.export(model, (torch.tensor(u),), path, dynamo=exporter == "new", external_data=False)
            without_paths(path)
            states, outputs = onnxruntime.InferenceSession(path).run(None, {inputs_of(path): u})
            found[path.name], found[f"{path.name}.out"] = states, outputs
        torch.save(model.state_dict(), folder / f"{name}.pt", _use_new_zipfile_serialization=False)
        found[f"{name}.pt"] = model(torch.tensor(u))[0].detach().numpy()
    return found


def without_paths(path):
    """Takes out the notes of the exporter, which name files of this machine."""
    model = load(path)
    for noted in (model, model.graph, *model.graph.node, *model.graph.value_info, *model.graph.initializer):
        noted.ClearField("metadata_props")
    save(model, path)


def inputs_of(path):
    return onnxruntime.InferenceSession(path).get_inputs()[0].name


def node_files(folder):
    """Nodes that PyTorch does not write: the reset gate before the product, and what is refused."""
    found = {}
    for name, kind, gates, options, more in [
        ("before", "GRU", 3, {}, []),
        ("reverse", "RNN", 1, {"direction": "reverse"}, []),
        ("clipped", "LSTM", 4, {"clip": 0.3}, []),
        ("peepholes", "LSTM", 4, {}, ["P"]),
        ("hard", "LSTM", 4, {"activations": ["HardSigmoid", "Tanh", "Tanh"], "activation_alpha": [0.3]}, []),
        ("sine", "LSTM", 4, {"activations": ["Sigmoid", "Sin", "Tanh"]}, []),
    ]:
        shapes = {"W": (1, gates * H, N), "R": (1, gates * H, H), "B": (1, 2 * gates * H), "P": (1, 3 * H)}
        weights = [numpy_helper.from_array(rng.normal(size=s).astype("float32"), k) for k, s in shapes.items()]
        weights = [w for w in weights if w.name != "P" or more]
        inputs = ["X", "W", "R", "B", *([""] * 3 + more if more else [])]
        node = helper.make_node(kind, inputs, ["Y"], name="layer", hidden_size=H, **options)
        given = helper.make_tensor_value_info("X", TensorProto.FLOAT, [T, SEQUENCES, N])
        states = helper.make_tensor_value_info("Y", TensorProto.FLOAT, [T, 1, SEQUENCES, H])
        graph = helper.make_graph([node], "g", [given], [states], weights)
        path = folder / f"{name}.onnx"
        save(helper.make_model(graph, opset_imports=[helper.make_opsetid("", 17)], ir_version=8), path)
        if name != "sine":
            found[path.name] = onnxruntime.InferenceSession(path).run(None, {"X": u})[0][:, 0]
    return found


def main():
    with TemporaryDirectory() as name:
        folder = Path(name)
        expected = keras_files(folder) | torch_files(folder) | node_files(folder)
        np.savez(folder / "expected.npz", u=u, **expected)
        with ZipFile(HERE / "formats.zip", "w", ZIP_DEFLATED) as archive:
            for path in sorted(folder.iterdir()):
                archive.write(path, path.name)


if __name__ == "__main__":
    main()
