"""Networks that were trained elsewhere: from a state_dict of PyTorch, or from weights under the names of our cells.

Every array of a file is used, or left out by its name, or the network is refused with all reasons at once: an array
that nobody reads may make it another network.
"""

import logging
from collections.abc import Mapping
from typing import NamedTuple

import numpy as np

from engine.cells import Cell, make_cell
from engine.network.ensemble import Networks
from engine.network.unroll import Parameters
from engine.results.directions import pick
from engine.results.formats.pytorch import layer_weights
from engine.results.initial_state import read_start
from engine.results.weight_file import NoSuchArray, WeightFile

log = logging.getLogger(__name__)


class Imported(NamedTuple):
    """A network from a file."""

    cell: Cell
    parameters: Parameters  # of one member
    left_out: list  # names of arrays in the file that were to be ignored, or stand outside the layer
    path: str | None  # of the file; None: from a state_dict
    x_0: np.ndarray | None = None  # (state,), trained; None: 0
    direction: str | None = None  # "forward" or "reverse", of a network with both

    def networks(self, seed):
        """The Networks of this one alone; `seed` is that of the streams that choose its sequences."""
        parameters = Parameters(*(p[None] for p in self.parameters))
        return Networks(self.cell, parameters, (seed,), (0,), self.x_0, self.direction)


def read_network(
    path, kind, options=None, readout=None, ignore=(), layer=(), start=(), direction=None, number=None, names=None
):
    """The Imported network of a file, or of a state_dict {name: array}.

    ValueError says all that is missing in it, does not fit or is not used.

    - `kind`, `options`: of a registered cell; the file says whether there are biases
    - `readout`: the weight of the readout, where several arrays could be it
    - `ignore`: arrays that are left out, by their full names or patterns such as `decoder.*`
    - `layer`: the module of a larger model that is the network, such as `encoder.lstm`, or one module for each layer of
      a stack; of the rest of the file the initial state is read, and the `readout` if it is named
    - `start`: the array of the initial state, or those of h and c; if left out, they are known by their names
    - `direction`, forward or reverse, and `number`, from 0 on: the layer of PyTorch's that is the network
    - `names`: {name of PyTorch or of our cells: name in the file}, where a file has others
    """
    file = WeightFile(path, names or {}, ignore)
    if layer:
        layers = [layer] if isinstance(layer, str) else layer
        file.keep(layers, *([readout, bias_of(readout)] if readout else []), *start)
    suffix = pick(file, direction, number)
    cell, W = file.tried(read_cell, kind, options or {}, suffix) or (None, None)
    W_o = file.tried(no_readout if direction else read_readout, cell.units, readout) if cell else None
    x_0 = file.tried(read_start, cell, start) if cell else None
    file.finish(cell)
    dtype = np.result_type(W, W_o)
    parameters = Parameters(*(part.astype(dtype)[None] for part in (W, W_o)))
    path = None if isinstance(path, Mapping) else path
    return Imported(cell, parameters, file.left_out, path, x_0, direction)


def read_cell(file, kind, options, suffix=None):
    """The cell of a file, with its units and inputs, and W (row, column); `suffix` is that of the only layer."""
    layers = make_cell(kind, 1, 1, **options).layers
    if len(layers) == 1:
        return read_layer(file, layers[0], (suffix,) if suffix else ("_l0", ""))
    if suffix:
        raise ValueError(
            "`direction` and `number` are of one layer, and the cell is a stack: name the layer's own cell"
        )
    read = [read_layer(file, layer, (f"_l{i}",), f"layer{i + 1}_") for i, layer in enumerate(layers)]
    units, inputs = read[0][0].units, read[0][0].inputs
    for number, (layer, _) in enumerate(read[1:], start=2):
        if (layer.units, layer.inputs) != (units, units):
            found = f"layer {number} has {layer.units} units and reads {layer.inputs}"
            raise ValueError(
                f"{found}; allowed are layers of as many units as the first, {units}, that read all of them"
            )
    cell = make_cell("stack", units, inputs, layers=[{"kind": layer.name} | layer.settings for layer, _ in read])
    dtype = np.result_type(*(W for _, W in read))
    views = (view.astype(dtype) for layer, W in read for view in layer.unpack(W).values())
    return cell, cell.pack(dict(zip(cell.blocks, views, strict=True)))


def read_layer(file, layer, suffixes, start=""):
    """As `read_cell`, of one layer with the kind and the options of `layer`, and its names of PyTorch or ours."""
    suffix = next((suffix for suffix in suffixes if file.key(f"weight_hh{suffix}")), None)
    if suffix is None and not file.key(f"{start}W_r"):
        name = f"weight_hh{suffixes[0]}"
        raise NoSuchArray(f"there is no {name} of PyTorch and no {start}W_r of our cells{file.nearest(name)}")
    kind, settings = layer.name, layer.settings if suffix is None else file.settings(layer, suffix)
    weights = own_weights(file, kind, start) if suffix is None else layer_weights(file, kind, suffix)
    if weights["W_i"].ndim != 2:
        raise ValueError(f"{start}W_i has shape {weights['W_i'].shape}, expected is (units, inputs)")
    units, inputs = weights["W_i"].shape
    biases = {"bias": True} if weights.keys() > make_cell(kind, 1, 1).blocks.keys() else {}
    cell = make_cell(kind, units, inputs, **(settings | biases))
    for name, view in cell.unpack(np.zeros(cell.shape)).items():  # a bias that is not there is 0
        weights[name] = fitted(name, weights.get(name, view), view.shape, f"for {units} units and {inputs} inputs")
    dtype = np.result_type(np.float32, *weights.values())
    return cell, cell.pack({name: part.astype(dtype) for name, part in weights.items()})


def own_weights(file, kind, start):
    """The same from weights under the names of our cell, and those biases that are there."""
    weights, biases = make_cell(kind, 1, 1).blocks, make_cell(kind, 1, 1, bias=True).blocks
    found = {name: file.find(start + name) for name in biases if name not in weights}
    found |= {name: file.take(start + name) for name in weights}
    return {name: array for name, array in found.items() if array is not None}


def fitted(name, array, shape, whose):
    """An array in its shape; a vector may come as a matrix of one row, a number as one of one entry."""
    if array.shape not in (shape, (1, *shape)):
        advice = "; it is transposed" if array.shape == shape[::-1] else ""
        raise ValueError(f"{name} has shape {array.shape}, expected is {shape} {whose}{advice}")
    return array.reshape(shape)


def read_readout(file, units, name):
    """W_o (output, H), or (output, H + 1) with the biases in the last column; 0 if there is no readout."""
    name = name or likely_readout(file, units)
    log.info("%s: the readout is %s", file.name, name or "none")
    if name is None:
        return np.zeros((1, units), np.float32)
    W_o = file.take(name)
    W_o = W_o.reshape(1, -1) if W_o.ndim == 1 else W_o
    if W_o.ndim != 2 or W_o.shape[1] != units:
        advice = "; it is transposed" if len(W_o) == units else ""
        raise ValueError(f"{name} has shape {W_o.shape}, expected is (outputs, {units}) for {units} units{advice}")
    bias, outputs = bias_of(name) if file.key(bias_of(name)) else "b_o", len(W_o)
    b_o = file.find(bias)
    if b_o is None:
        return W_o
    return np.append(W_o, fitted(bias, b_o.reshape(-1), (outputs,), f"for {outputs} outputs")[:, None], axis=1)


def no_readout(file, units, name):
    """W_o of one direction, 0; ValueError if a readout is named."""
    if name:
        raise ValueError("readout: it reads both directions, and one of them has no outputs and no loss of its own")
    return np.zeros((1, units), np.float32)


def bias_of(readout):
    """What the bias of a readout is called in PyTorch: fc.bias beside fc.weight."""
    return f"{readout.removesuffix('weight')}bias"


def likely_readout(file, units):
    """The name of the readout's weight: W_o, or the only matrix left that reads the units; None if there is none."""
    if file.key("W_o"):
        return "W_o"
    shapes = {key: file.arrays[key].shape for key in sorted(file.left) if key.endswith("weight")}
    likely = [key for key, shape in shapes.items() if len(shape) == 2 and shape[1] == units]
    if len(likely) > 1:
        file.left -= {*likely, *map(bias_of, likely)}
        found = " or ".join(likely)
        raise ValueError(
            f"which weight is the readout, of shape (outputs, {units})? Name it as `readout`; it could be {found}"
        )
    return likely[0] if likely else None
