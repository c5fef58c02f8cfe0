"""Results as NetCDF-4: labels, units and provenance. The only module that knows xarray."""

import json
from shutil import disk_usage

import numpy as np
import xarray as xr

from engine.cells import make_cell
from engine.files import whole
from engine.networks import Networks
from engine.quantity import Quantity
from engine.training import QUANTITIES as TRAINING_QUANTITIES
from engine.unroll import Parameters
from engine.updates import QUANTITIES as STEP_QUANTITIES

COORDINATES = {
    "seed": ("seed of the random streams", "1"),
    "checkpoint": ("updates done when the network was probed", "1"),
    "iteration": ("update, counted from 0", "1"),
    "lag": ("lag h = t - k", "time step"),
    "step": ("time t of the sequence", "time step"),
    "epsilon": ("factor of the gate term B", "1"),
    "rank": ("index of the singular value, the largest is 1", "1"),
    "gradient_rank": ("index of the singular value of the per-sample gradients, the largest is 1", "1"),
    "unit": ("unit of the state, counted from 0", "1"),
    "source": ("unit of the previous state that a weight reads, counted from 0", "1"),
    "input": ("input channel, counted from 0", "1"),
    "neuron": ("unit of the state, counted from 0", "1"),
    "departure": ("what is computed; `exact` is the definition", "1"),
    "slope_departure": ("what is computed; `exact` is the definition", "1"),
    "probed_lag": ("lag h = t - k at which singular vectors were taken", "time step"),
    "profile": ("what decays over the lag", "1"),
    "weight": ("weight by its name in theory.md, or all of them", "1"),
    "estimator": ("how a time scale in parameter space is read off a profile", "1"),
    "quantile": ("share of the values that are smaller", "1"),
    "reference": ("model whose optimizer adapts its steps", "1"),
    "pair": ("drawn pair (sample, t), counted from 0", "1"),
}


def dataset(quantities, arrays, coords, attributes):
    """xarray.Dataset of {name: array} described by {name: Quantity}; `coords` gives the values of each dimension.

    Raises KeyError where an array is not described, ValueError where it does not fit its dimensions.
    """
    variables = {}
    for name, array in arrays.items():
        quantity = quantities[name]
        labels = {"long_name": quantity.long_name, "units": quantity.units, "equation": quantity.label}
        variables[name] = (quantity.dims.split(), np.asarray(array, quantity.dtype or None), labels)
    used = {dim for dims, *_ in variables.values() for dim in dims}
    axes = {dim: axis(dim, values) for dim, values in coords.items() if dim in used}
    return xr.Dataset(variables, axes, {key: plain(value) for key, value in attributes.items()})


def axis(dim, values):
    """A coordinate with its words; one that COORDINATES does not know goes by its own name."""
    long_name, units = COORDINATES.get(dim, (dim.replace("_", " "), "1"))
    return dim, np.asarray(values), {"long_name": long_name, "units": units}


def plain(value):
    """An attribute that NetCDF can hold: true values, None and mappings become text."""
    if isinstance(value, bool | type(None)):
        return {True: "yes", False: "no", None: "none"}[value]
    return json.dumps(value, sort_keys=True) if isinstance(value, dict) else value


def save(ds, path):
    """Writes a dataset, whole or not at all; RuntimeError says what was free where it could not be written."""
    with whole(path) as part:
        try:
            ds.to_netcdf(part, engine="netcdf4", format="NETCDF4")
        except (OSError, RuntimeError) as error:  # a full disk is an "HDF error", and no more, to the library
            needed, free = (size / 1e6 for size in (ds.nbytes, disk_usage(part.parent).free))
            raise RuntimeError(
                f"{path} could not be written ({error}): it needs {needed:.1f} MB, and {free:.1f} MB are free there"
            ) from error


def load(path):
    """The dataset at `path`, in memory; ValueError names a file that cannot be read."""
    try:
        return xr.load_dataset(path, engine="netcdf4")
    except OSError as error:
        raise ValueError(f"{path} is not a whole NetCDF file ({error}): delete it and run again") from error


def join(parts):
    """One dataset of all seeds from datasets of some seeds each: what one job over all of them makes.

    The parts differ at most by the machine that made them (a device, a library): such an attribute names each.
    """
    first = parts[0]

    def joined(name, variable):
        if "seed" not in variable.dims:
            return variable
        return xr.Variable.concat([part[name].variable for part in parts], "seed")

    def named(key):
        values = list(dict.fromkeys(part.attrs[key] for part in parts))
        return values[0] if len(values) == 1 else " | ".join(map(str, values))

    data, coords = (
        {name: joined(name, x.variable) for name, x in group.items()} for group in (first.data_vars, first.coords)
    )
    return xr.Dataset(data, coords, {key: named(key) for key in first.attrs}).drop_encoding()


def weight_quantities(cell):
    """{name: Quantity} of the weights, by their names in theory.md."""

    def dims(rows, columns):
        row = "" if isinstance(rows, int) else "unit "
        return f"seed checkpoint {row}{'source' if columns.start == 0 else 'input'}"

    label = f"[CELL.{cell.name}]"
    weights = {name: Quantity(dims(*block), f"weight {name}", label, dtype="") for name, block in cell.blocks.items()}
    return weights | {"W_o": Quantity("seed checkpoint unit", "readout weight W_o", label, dtype="")}


def save_training(training, cell, coords, attributes, path):
    """Writes a Training: weights by name over (seed, checkpoint, ...), loss, divergences, redraws and steps."""
    arrays = weight_arrays(cell, training.parameters)
    arrays |= {name: getattr(training, name) for name in TRAINING_QUANTITIES} | training.steps
    quantities = weight_quantities(cell) | TRAINING_QUANTITIES | STEP_QUANTITIES
    coords = coords | weight_coordinates(cell) | {"iteration": np.arange(training.loss.shape[1])}
    save(dataset(quantities, arrays, coords, attributes | cell_attributes(cell)), path)


def save_networks(networks, attributes, path):
    """Writes Networks as a training file without a training: weights by name over (seed, checkpoint, ...)."""
    cell = networks.cell
    coords = {"seed": networks.seeds, "checkpoint": networks.checkpoints} | weight_coordinates(cell)
    arrays = weight_arrays(cell, networks.parameters)
    save(dataset(weight_quantities(cell), arrays, coords, attributes | cell_attributes(cell)), path)


def weight_arrays(cell, parameters):
    """{name: array (seed, checkpoint, ...)} of Parameters (checkpoint, member, ...)."""
    W, W_o = (np.swapaxes(p, 0, 1) for p in parameters)
    return {**cell.unpack(W), "W_o": W_o[:, :, 0]}


def weight_coordinates(cell):
    return {"unit": range(cell.units), "source": range(cell.units), "input": range(cell.inputs)}


def cell_attributes(cell):
    """What makes the cell again, see `load_networks`."""
    options = {key: getattr(cell, key) for key in cell.options}
    return {"cell": cell.name, "cell_options": options, "cell_units": cell.units, "cell_inputs": cell.inputs}


def load_networks(path, seeds=None, checkpoints=None):
    """The Networks of a training file: of all its seeds and checkpoints, or of those named."""
    chosen = {"seed": seeds, "checkpoint": checkpoints}
    ds = load(path).sel({dim: list(values) for dim, values in chosen.items() if values is not None})
    cell = make_cell(ds.cell, int(ds.cell_units), int(ds.cell_inputs), **json.loads(ds.cell_options))
    weights = {name: np.swapaxes(ds[name].values, 0, 1) for name in [*cell.blocks, "W_o"]}
    W_o = weights.pop("W_o")[:, :, None]
    seeds, checkpoints = (tuple(ds[dim].values.tolist()) for dim in ("seed", "checkpoint"))
    return Networks(cell, Parameters(cell.pack(weights), W_o), seeds, checkpoints)
