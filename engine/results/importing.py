"""Networks that were trained elsewhere: from a state_dict of PyTorch, or from weights under the names of our cells."""

from typing import NamedTuple

import numpy as np

from engine.cells import Cell, make_cell
from engine.common.arrays import read_arrays
from engine.common.registry import nearest
from engine.network.unroll import Parameters

# What PyTorch stacks below each other in weight_hh and weight_ih, in its order; W is the candidate.
STACKED = {
    "plain": ("W",),
    "gru": ("reset", "update", "W"),
    "lstm": ("input", "forget", "W", "output"),
}


class Imported(NamedTuple):
    """A network from a file."""

    cell: Cell
    parameters: Parameters  # of one member
    unused: list  # names of arrays in the file that are no part of such a network


def read_network(path, kind, options, readout=None):
    """The Imported network of a file; ValueError says what is missing in it or does not fit.

    `kind` and `options` are those of a registered cell. `readout` names the weight of the readout where several arrays
    of the file could be it.
    """
    file = WeightFile(path)
    layer = file.key("weight_hh_l0") or file.key("weight_hh")
    weights = layer_weights(file, kind) if layer else own_weights(file, kind)
    if weights["W_i"].ndim != 2:
        file.refuse(f"W_i has shape {weights['W_i'].shape}, expected is (units, inputs)")
    units, inputs = weights["W_i"].shape
    cell = make_cell(kind, units, inputs, **options)
    for name, view in cell.unpack(np.empty(cell.shape)).items():
        weights[name] = fitted(file, name, weights[name], view.shape, f"for {units} units and {inputs} inputs")
    readout = readout or likely_readout(file, units)
    W_o = readout_weight(file, readout, units)
    refuse_unsupported(file, readout)
    dtype = np.result_type(np.float32, W_o, *weights.values())
    parameters = Parameters(*(part.astype(dtype)[None] for part in (cell.pack(weights), W_o)))
    return Imported(cell, parameters, sorted(file.left))


class WeightFile:
    """The arrays of a file, and the names of those that have not been taken yet."""

    def __init__(self, path):
        self.path, self.arrays = path, read_arrays(path)
        self.left = set(self.arrays)

    def refuse(self, message):
        raise ValueError(f"{self.path}: {message}")

    def key(self, name):
        """The full name of the array called `name`, alone or in a module (rnn.weight_hh_l0); None if there is none."""
        keys = [key for key in self.arrays if key == name or key.endswith(f".{name}")]
        if len(keys) > 1:
            self.refuse(f"there are several {name} ({', '.join(keys)}): keep those of one network")
        return keys[0] if keys else None

    def take(self, name):
        key = self.key(name)
        if key is None:
            found = ", ".join(self.arrays) or "nothing"
            self.refuse(f"there is no {name}{nearest(name, self.arrays)} (found: {found})")
        self.left.discard(key)
        if not (np.isrealobj(self.arrays[key]) and np.isfinite(self.arrays[key]).all()):
            self.refuse(f"{key} has values that are no finite numbers")
        return self.arrays[key]


def layer_weights(file, kind):
    """{name in our cell: array} from weight_hh (gates H, H) and weight_ih (gates H, n) of a layer of PyTorch."""
    if kind not in STACKED:
        file.refuse(f"this is a layer of PyTorch, and so no {kind} cell; allowed are {', '.join(STACKED)}")
    suffix = "_l0" if file.key("weight_hh_l0") else ""
    recurrent, driven = (file.take(f"weight_{side}{suffix}") for side in ("hh", "ih"))
    gates, units = STACKED[kind], recurrent.shape[-1]
    rows = len(gates) * units
    if recurrent.shape != (rows, units):
        fitting = [other for other, names in STACKED.items() if recurrent.shape == (len(names) * units, units)]
        advice = f"; it fits {fitting[0]}" if fitting else ""
        file.refuse(f"weight_hh{suffix} has shape {recurrent.shape}, expected of {kind} is {(rows, units)}{advice}")
    if driven.ndim != 2 or len(driven) != rows:
        file.refuse(f"weight_ih{suffix} has shape {driven.shape}, expected of {kind} is ({rows}, inputs)")
    sides = {"r": np.split(recurrent, len(gates)), "i": np.split(driven, len(gates))}
    return {f"{gate}_{side}": part for side, parts in sides.items() for gate, part in zip(gates, parts, strict=True)}


def own_weights(file, kind):
    """The same from weights under the names of our cell."""
    return {name: file.take(name) for name in make_cell(kind, 1, 1).blocks}


def fitted(file, name, array, shape, whose):
    """An array in its shape; a vector may come as a matrix of one row."""
    if array.shape not in (shape, (1, *shape)):
        file.refuse(f"{name} has shape {array.shape}, expected is {shape} {whose}")
    return array.reshape(shape)


def likely_readout(file, units):
    """The name of the readout's weight: W_o, or the only matrix left that reads the units."""
    if file.key("W_o"):
        return "W_o"
    shapes = {key: file.arrays[key].shape for key in sorted(file.left) if key.endswith("weight")}
    likely = [key for key, shape in shapes.items() if len(shape) == 2 and shape[1] == units]
    if len(likely) != 1:
        found = f"it could be {' or '.join(likely)}" if likely else f"found are {', '.join(file.arrays)}"
        file.refuse(f"which weight is the readout, of shape (1, {units})? Name it as `readout`; {found}")
    return likely[0]


def readout_weight(file, name, units):
    """W_o (1, H)."""
    W_o = file.take(name)
    if W_o.ndim == 2 and len(W_o) > 1 and W_o.shape[1] == units:
        file.refuse(f"{name} has {len(W_o)} outputs, and a network here has one: keep the row of one output")
    return fitted(file, name, W_o.reshape(1, -1) if W_o.ndim == 1 else W_o, (1, units), f"for {units} units")


def refuse_unsupported(file, readout):
    """What would make it another network: biases that are not zero, further layers and directions, projections."""
    for key in sorted(file.left):
        name = key.rpartition(".")[2]
        if name.startswith("bias_") or key == readout.removesuffix("weight") + "bias":
            if file.take(key).any():
                file.refuse(
                    f"{key} is not zero, and a network here has no biases: train with bias=False, or make the bias the "
                    "weight of one more input that is always 1 (docs/own-networks.md)"
                )
        elif name.startswith("weight_"):
            file.refuse(f"{key} is of a further layer, direction or projection; measured is one layer, forwards")
