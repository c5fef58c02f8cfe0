"""Networks as NetCDF-4: weights by their names in docs/theory.md, and back."""

import json

import numpy as np

from engine.cells import make_cell
from engine.common.quantity import Quantity
from engine.network.ensemble import Networks
from engine.network.unroll import Parameters
from engine.results.netcdf import dataset, load, save


def weight_quantities(cell, outputs):
    """{name: Quantity} of the weights, by their names in docs/theory.md, of networks with so many outputs."""

    unit = "unit" if len(cell.layers) == 1 else "layer_unit"
    places = [(layer, block) for layer in cell.layers for block in layer.blocks.values()]

    def label(layer, columns):
        return "[NET.bias]" if isinstance(columns, int) else f"[CELL.{layer.name}]"

    def dims(layer, rows, columns):
        row = "" if isinstance(rows, int) else f" {unit}"
        read = "input" if layer is cell.layers[0] else "below"
        column = "" if isinstance(columns, int) else " source" if columns.start == 0 else f" {read}"
        return f"seed checkpoint{row}{column}"

    weights = {
        name: Quantity(dims(layer, *block), f"weight {name}", label(layer, block[1]), dtype="")
        for name, (layer, block) in zip(cell.blocks, places, strict=True)
    }
    output = "" if outputs == 1 else " output"
    return weights | {
        "W_o": Quantity(
            f"seed checkpoint{output} {unit}", "readout weight W_o", f"[CELL.{cell.layers[-1].name}]", dtype=""
        ),
        "b_o": Quantity(f"seed checkpoint{output}", "bias b_o of the readout", "[NET.bias]", dtype=""),
        "x_0": Quantity("state", "state before the first step", "[NET.start]"),
    }


def save_networks(networks, attributes, path):
    """Writes Networks: weights by name over (seed, checkpoint, ...), as in a training file."""
    cell = networks.cell
    outputs = networks.parameters.outputs
    coords = {"seed": networks.seeds, "checkpoint": networks.checkpoints} | weight_coordinates(cell, outputs)
    arrays = weight_arrays(cell, networks.parameters) | ({} if networks.x_0 is None else {"x_0": networks.x_0})
    attributes = attributes | network_attributes(networks)
    save(dataset(weight_quantities(cell, outputs), arrays, coords, attributes), path)


def weight_arrays(cell, parameters):
    """{name: array (seed, checkpoint, ...)} of Parameters (checkpoint, member, ...)."""
    W, W_o = (np.swapaxes(p, 0, 1) for p in parameters)
    if not parameters.has_readout:
        return cell.unpack(W)
    W_o = W_o[:, :, 0] if parameters.outputs == 1 else W_o
    found = {**cell.unpack(W), "W_o": W_o[..., : cell.units]}
    return found if W_o.shape[-1] == cell.units else found | {"b_o": W_o[..., cell.units]}


def weight_coordinates(cell, outputs):
    units = dict.fromkeys(("source", "layer_unit", "below"), range(cell.units))
    found = {"input": range(cell.inputs), "state": range(cell.state_size), "output": range(outputs)}
    return cell.unit_coordinates | units | found


def network_attributes(networks):
    """Those of the cell, and the direction of networks that have one."""
    return cell_attributes(networks.cell) | ({"direction": networks.direction} if networks.direction else {})


def cell_attributes(cell):
    """Attributes from which `load_networks` makes the cell again."""
    return {"cell_kind": cell.name, "cell_options": cell.settings, "cell_units": cell.units, "cell_inputs": cell.inputs}


def load_networks(path, seeds=None, checkpoints=None):
    """The Networks of a training file: of all its seeds and checkpoints, or of those named."""
    chosen = {"seed": seeds, "checkpoint": checkpoints}
    ds = load(path).sel({dim: list(values) for dim, values in chosen.items() if values is not None})
    cell = make_cell(ds.cell_kind, int(ds.cell_units), int(ds.cell_inputs), **json.loads(ds.cell_options))
    weights = {name: np.swapaxes(ds[name].values, 0, 1) for name in cell.blocks}
    W = cell.pack(weights)
    W_o = load_readout(ds) if "W_o" in ds else np.zeros_like(W[:, :, :1, : cell.units])
    seeds, checkpoints = (tuple(ds[dim].values.tolist()) for dim in ("seed", "checkpoint"))
    x_0 = ds.x_0.values if "x_0" in ds else None
    return Networks(cell, Parameters(W, W_o), seeds, checkpoints, x_0, ds.attrs.get("direction"))


def load_readout(ds):
    """W_o (checkpoint, member, output, column) of the dataset of a training file."""
    W_o, b_o = (np.swapaxes(ds[name].values, 0, 1) if name in ds else None for name in ("W_o", "b_o"))
    W_o = W_o if "output" in ds.W_o.dims else W_o[:, :, None]
    return W_o if b_o is None else np.append(W_o, b_o.reshape(*W_o.shape[:3], 1), axis=3)
