"""Networks that public packages ship, read as they are and compared with their frameworks: a table of agreement.

    KERAS_BACKEND=torch python -m tools.public_networks FOLDER

pip fetches the packages by name into FOLDER, and installs none of them. Needed beside the engine is the extra
`frameworks` of pyproject.toml. Compared are the states h_t with those of the original, and J_t = dx_t/dx_{t-1} with
that of PyTorch's automatic differentiation, in float64; onnxruntime has none, and Keras multiplies in float32 there.
"""

import ast
import shutil
import subprocess
import sys
from collections.abc import Mapping
from pathlib import Path
from types import MappingProxyType
from typing import NamedTuple
from zipfile import ZipFile

import numpy as np
import onnx
import onnxruntime
import torch

from engine.network.unroll import forward
from engine.results.importing import read_network

T, SEQUENCES = 20, 3
STATES, JACOBIANS = 1e-5, 1e-10  # the largest differences: originals may compute in float32


class Original(NamedTuple):
    """What a network reads, u (T, sequence, n); its states (T, sequence, H); and step(u_t, x) of one sequence."""

    u: np.ndarray
    states: np.ndarray
    step: object


def fetched(folder, package, file):
    """Path of a file of a package; after ! stands the one that is meant within a .zip file."""
    held = folder / package
    if not held.exists():
        pip = [sys.executable, "-m", "pip", "download", "--quiet", "--no-deps", "--dest", held, package]
        subprocess.run(pip, check=True)
        [archive] = held.iterdir()
        if archive.suffix == ".whl":
            ZipFile(archive).extractall(held)
        else:
            shutil.unpack_archive(archive, held, filter="data")
    outer, _, inner = file.partition("!")
    if inner:
        ZipFile(held / outer).extractall(held / "inner")
    return held / ("inner" if inner else "") / (inner or outer)


def numbers(*shape):
    return np.random.default_rng(1).standard_normal(shape)


def torch_layers(kind, weights, layers=1, two=False):
    """A module of PyTorch in float64 with some weights by their names in it."""
    inputs, units = (weights[f"weight_{side}_l0"].shape[1] for side in ("ih", "hh"))
    made = kind(inputs, units, layers, bidirectional=two)
    made.load_state_dict({name: torch.as_tensor(w) for name, w in weights.items()})
    return made.double()


def step_of(made):
    """step(u_t, x) of a module of PyTorch; x has the state of one layer after the other, of an LSTM each h and c."""

    def step(u_t, x):
        if isinstance(made, torch.nn.LSTM):
            h, c = torch.unbind(x.reshape(made.num_layers, 2, 1, -1), 1)
            return torch.stack(made(u_t[None, None], (h.contiguous(), c.contiguous()))[1], 1).reshape(-1)
        return made(u_t[None, None], x.reshape(made.num_layers, 1, -1))[1].reshape(-1)

    return step


def states_of(made, u):
    with torch.no_grad():
        return made(torch.as_tensor(u))[0].numpy()


def resemblyzer(path):
    """Three layers of LSTM, in a file from before PyTorch 1.6."""
    state = torch.load(path, map_location="cpu")["model_state"]
    own = {name.removeprefix("lstm."): w for name, w in state.items() if name.startswith("lstm.")}
    made, u = torch_layers(torch.nn.LSTM, own, layers=3), np.abs(numbers(T, SEQUENCES, 40))
    return Original(u, states_of(made, u), step_of(made))


def diacritizer(path, number, direction):
    """One direction of one of three layers of LSTM, on what it reads."""
    state = torch.load(path, map_location="cpu")
    own = {name.removeprefix("lstm."): w for name, w in state.items() if name.startswith("lstm.")}
    u = state["embedding.weight"].double().numpy()[np.random.default_rng(1).integers(0, 54, (T, SEQUENCES))]

    def below(layers):
        weights = {name: w for name, w in own.items() if int(name.split("_l")[1][0]) < layers}
        return states_of(torch_layers(torch.nn.LSTM, weights, layers, two=True), u) if layers else u

    ending = f"_l{number}" + "_reverse" * (direction == "reverse")
    single = {name.removesuffix(ending) + "_l0": w for name, w in own.items() if name.endswith(ending)}
    states = np.split(below(number + 1), 2, axis=2)[direction == "reverse"]
    return Original(below(number), states, step_of(torch_layers(torch.nn.LSTM, single)))


def g2p(path):
    """The GRU that reads letters, by the functions of the package, on its embedding."""
    weights = np.load(path)
    names = ("sigmoid", "grucell", "gru")
    source = ast.parse(path.with_name("g2p.py").read_text(encoding="utf-8"))
    functions = [node for node in ast.walk(source) if isinstance(node, ast.FunctionDef) and node.name in names]
    found = {"np": np}
    exec(compile(ast.Module(functions, []), "g2p.py", "exec"), found)
    own = type("Own", (), {name: found[name] for name in names})()
    u = weights["enc_emb"][np.random.default_rng(1).integers(0, 29, (T, SEQUENCES))].astype("float64")
    parts = [weights[f"enc_{name}"] for name in ("w_ih", "w_hh", "b_ih", "b_hh")]
    states = np.swapaxes(own.gru(np.swapaxes(u, 0, 1), T, *parts), 0, 1)
    in_torch = dict(zip(("weight_ih_l0", "weight_hh_l0", "bias_ih_l0", "bias_hh_l0"), parts, strict=True))
    return Original(u, states, step_of(torch_layers(torch.nn.GRU, in_torch)))


def silero(path):
    """The LSTM within a model, on what it reads there of noise, by onnxruntime."""
    model = onnx.load(path)
    [node] = [node for node in model.graph.node if node.op_type == "LSTM"]
    ends = node.input[0], node.output[0]
    model.graph.output.extend(onnx.helper.make_empty_tensor_value_info(name) for name in ends)
    start = {name: np.zeros((1, 1, 128), "float32") for name in "hc"}
    sound = {"input": 0.1 * numbers(T, 576).astype("float32")}
    u, states = onnxruntime.InferenceSession(model.SerializeToString()).run(ends, sound | start)
    constants = {part.name: onnx.numpy_helper.to_array(part) for part in model.graph.initializer}
    W, R, B = (constants[name][0] for name in node.input[1:4])

    def rows(gates):
        i, o, f, c = np.split(gates, 4)
        return np.concatenate([i, f, c, o])

    b_i, b_h = map(rows, np.split(B, 2))
    own = {"weight_ih_l0": rows(W), "weight_hh_l0": rows(R), "bias_ih_l0": b_i, "bias_hh_l0": b_h}
    return Original(u.astype("float64"), states[:, 0], step_of(torch_layers(torch.nn.LSTM, own)))


def sleepecg(path, layer, direction):
    """One direction of a bidirectional GRU of Keras, on what it reads in its model."""
    import keras

    model = keras.saving.load_model(path, compile=False)
    whole = model.get_layer(layer)
    inner = keras.Model(model.inputs, [whole.input[0], whole.output])
    u, states = (np.swapaxes(part, 0, 1) for part in inner.predict(numbers(SEQUENCES, T, 36), verbose=0))
    one = whole.forward_layer if direction == "forward" else whole.backward_layer
    kernel, recurrent, (b_i, b_h) = one.get_weights()

    def rows(gates):
        z, r, h = np.split(gates, 3)
        return np.concatenate([r, z, h])

    own = {"weight_ih_l0": rows(kernel.T), "weight_hh_l0": rows(recurrent.T), "bias_ih_l0": rows(b_i)}
    made = torch_layers(torch.nn.GRU, own | {"bias_hh_l0": rows(b_h)})
    return Original(u.astype("float64"), np.split(states, 2, axis=2)[direction == "reverse"], step_of(made))


def chars2vec(path):
    """Two layers of LSTM whose gates are hard sigmoids, as they were by default in Keras 2.2."""
    import h5py
    import keras

    def hard(s):
        return (0.2 * s + 0.5).clip(0, 1)

    with h5py.File(path) as file:
        parts = ("kernel:0", "recurrent_kernel:0", "bias:0")
        weights = [[file[f"{name}/{name}/{part}"][...] for part in parts] for name in ("lstm_1", "lstm_2")]
    u = np.eye(59)[np.random.default_rng(1).integers(0, 59, (SEQUENCES, T))]
    states = u
    for own in weights:
        layer = keras.layers.LSTM(50, return_sequences=True, recurrent_activation=hard)
        layer.build(states.shape)
        layer.set_weights(own)
        states = keras.ops.convert_to_numpy(layer(states))

    def step(u_t, x):
        found = []
        for own, (h, c) in zip(weights, x.reshape(2, 2, -1), strict=True):
            W, R, b = (torch.as_tensor(part).double() for part in own)
            i, f, g, o = torch.chunk(u_t @ W + h @ R + b, 4)
            c = hard(f) * c + hard(i) * torch.tanh(g)
            u_t = hard(o) * torch.tanh(c)
            found += [u_t, c]
        return torch.cat(found)

    return Original(np.swapaxes(u, 0, 1), np.swapaxes(states, 0, 1), step)


def agreement(network, original, direction=None):
    """Largest differences of the states and of one Jacobian."""
    order = slice(None, None, -1 if direction == "reverse" else 1)
    u = np.ascontiguousarray(np.moveaxis(original.u[order], 2, 1)[:, None])
    cell, W = network.cell, network.parameters.W.astype("float64")
    trajectory = forward(cell, W, u)
    states = np.concatenate([trajectory.z[1:, 0, cell.output], trajectory.x_T[:, cell.output]])
    z = trajectory.z[T // 2, :, :, :1]
    x, u_t = (torch.as_tensor(part.copy()) for part in (z[0, : cell.state_size, 0], u[T // 2, 0, :, 0]))
    by_autodiff = torch.autograd.functional.jacobian(lambda x: original.step(u_t, x), x).numpy()
    A, B = cell.step_jacobian(W, z)
    states = np.moveaxis(states, 1, 2)[order]
    return np.abs(states - original.states).max(), np.abs((A + B)[0, 0] - by_autodiff).max()


class Case(NamedTuple):
    """A network in a file of a package: how `read_network` is asked for it, and what computes it otherwise."""

    package: str
    file: str
    cell: str
    asked: dict
    original: object = None  # None: it is refused
    which: Mapping = MappingProxyType({})  # of what the original is asked for
    options: Mapping = MappingProxyType({})


WHICH = [{"number": number, "direction": direction} for number in range(3) for direction in ("forward", "reverse")]
SIDES = [
    {"layer": layer, "direction": direction}
    for layer in ("bidirectional", "bidirectional_1")
    for direction in ("forward", "reverse")
]
IN_G2P = {"weight_ih": "w_ih", "weight_hh": "w_hh", "bias_ih": "b_ih", "bias_hh": "b_hh"}
NAMES = {f"enc.{new}": f"enc_{old}" for new, old in IN_G2P.items()}
PAIR, THREE = ({"layers": ["lstm"] * number} for number in (2, 3))
SILERO, TAGGER = "silero_vad/data/silero_vad", "diacritize/assets/bilstm_best.pt"
SLEEP, CHARS = "sleepecg/classifiers/wrn-gru-mesa.zip!classifier.keras", "chars2vec-0.1.7/chars2vec/trained_models"
CASES = [
    Case(
        "resemblyzer==0.1.4",
        "resemblyzer/pretrained.pt",
        "stack",
        {"layer": "model_state.lstm"},
        resemblyzer,
        {},
        THREE,
    ),
    *(
        Case("arabic-diacritizer==1.0.0", TAGGER, "lstm", {"layer": "lstm"} | which, diacritizer, which)
        for which in WHICH
    ),
    Case("g2p_en==2.1.0", "g2p_en/checkpoint20.npz", "gru", {"layer": "enc", "names": NAMES}, g2p),
    Case("silero-vad==6.2.3", f"{SILERO}_16k_sequence.onnx", "lstm", {"layer": "recurrent.LSTM"}, silero),
    *(Case("sleepecg==0.6.0", SLEEP, "gru", side, sleepecg, side) for side in SIDES),
    Case("silero-vad==6.2.3", f"{SILERO}_half.onnx", "lstm", {"layer": "decoder.rnn.LSTM"}),
    Case(
        "chars2vec==0.1.7", f"{CHARS}/eng_50/weights.h5", "stack", {"layer": ["lstm_1", "lstm_2"]}, chars2vec, {}, PAIR
    ),
]


def row(case, path):
    """A line of the table, and whether the network agrees with its original, or is refused as it should be."""
    what = " ".join([case.cell, *(str(value) for key, value in case.asked.items() if key != "names")])
    start = f"| {case.package} | {path.name} | {what} |"
    try:
        network = read_network(path, case.cell, case.options, **case.asked)
    except ValueError as reason:
        return f"{start} | refused | {str(reason).split('; ')[0].removeprefix(f'{path}: ')} |", not case.original
    states, J = agreement(network, case.original(path, **case.which), case.asked.get("direction"))
    return f"{start} {network.cell.units} | {states:.0e} | {J:.0e} |", states <= STATES and J <= JACOBIANS


def main(folder):
    print("| package | file | network | H | states | J_t |\n| --- | --- | --- | --- | --- | --- |")
    agreed = []
    for case in CASES:
        line, agrees = row(case, fetched(folder, case.package, case.file))
        print(line, flush=True)
        agreed.append(agrees)
    return 0 if all(agreed) else 1


if __name__ == "__main__":
    sys.exit(main(Path(sys.argv[1])))
