"""Results as NetCDF-4: labels, units and provenance."""

import json
import os
from shutil import disk_usage

import numpy as np
import xarray as xr

from engine.common.files import atomic_write, full_path

# A file gets its name when it is whole, so a lock protects nothing; some file systems of clusters have none. HDF5 reads
# this once, when a process first uses it.
LOCKING = os.environ.setdefault("HDF5_USE_FILE_LOCKING", "FALSE")
HINT = "" if LOCKING == "FALSE" else "; if the file system has no locks, it takes HDF5_USE_FILE_LOCKING=FALSE"

COORDINATES = {
    "seed": ("seed of the random streams", "1"),
    "checkpoint": ("updates done when the network was probed", "1"),
    "predictor_checkpoint": ("updates done when the network's predictors were measured", "1"),
    "iteration": ("update, counted from 0", "1"),
    "lag": ("lag h = t - k", "time step"),
    "exponent": ("index of the Lyapunov exponent, the largest is 1", "1"),
    "step": ("time t of the sequence", "time step"),
    "epsilon": ("factor of the gate term B", "1"),
    "rank": ("index of the singular value, the largest is 1", "1"),
    "gradient_rank": ("index of the singular value of the per-sample gradients, the largest is 1", "1"),
    "unit": ("unit of the state, counted from 0", "1"),
    "layer": ("layer of the unit, counted from 1", "1"),
    "layer_unit": ("unit of the layer, counted from 0", "1"),
    "below": ("unit of the layer below that a weight reads, counted from 0", "1"),
    "state": ("row of the state, counted from 0; of an LSTM h lies above c", "1"),
    "source": ("unit of the previous state that a weight reads, counted from 0", "1"),
    "output": ("output of the network, counted from 0", "1"),
    "input": ("input channel, counted from 0", "1"),
    "departure": ("what is computed; `exact` is the definition", "1"),
    "slope_departure": ("what is computed; `exact` is the definition", "1"),
    "probed_lag": ("lag h = t - k at which singular vectors were taken", "time step"),
    "profile": ("what decays over the lag", "1"),
    "weight": ("weight by its name in docs/theory.md, or all of them", "1"),
    "estimator": ("how a time scale in parameter space is read off a profile", "1"),
    "quantile": ("share of the values that are smaller", "1"),
    "reference": ("model whose optimizer adapts its steps; `same network`: Adam kept beside, without effect", "1"),
    "pair": ("drawn pair (sample, t), counted from 0", "1"),
}
ALONG = {"layer": "unit"}  # coordinates that are no dimensions, each along one


def dataset(quantities, arrays, coords, attributes):
    """xarray.Dataset of {name: array} described by {name: Quantity}; `coords` gives the values of each dimension.

    Raises KeyError if an array is not described, ValueError if it does not fit its dimensions.
    """
    variables = {}
    for name, array in arrays.items():
        quantity = quantities[name]
        labels = {"long_name": quantity.long_name, "units": quantity.units, "equation": quantity.label}
        variables[name] = (quantity.dims.split(), np.asarray(array, quantity.dtype or None), labels)
    used = {dim for dims, *_ in variables.values() for dim in dims}
    axes = {name: axis(name, values) for name, values in coords.items() if ALONG.get(name, name) in used}
    return labelled(xr.Dataset(variables, axes), attributes)


def labelled(ds, attributes):
    """A dataset with global attributes, in a form that NetCDF can hold."""
    return ds.assign_attrs({key: plain(value) for key, value in attributes.items()})


def axis(name, values):
    """A coordinate with its long name and units; without an entry in COORDINATES the long name is its name."""
    long_name, units = COORDINATES.get(name, (name.replace("_", " "), "1"))
    return ALONG.get(name, name), in_32_bits(values), {"long_name": long_name, "units": units}


def plain(value):
    """An attribute that NetCDF can hold: true values, None and mappings become text."""
    if isinstance(value, bool | type(None)):
        return {True: "yes", False: "no", None: "none"}[value]
    if isinstance(value, int):
        return in_32_bits(value)[()]
    return json.dumps(value, sort_keys=True) if isinstance(value, dict) else value


def in_32_bits(values):
    """An array of `values`: whole numbers as int32, which NetCDF-3 has too, unless one of them is too large."""
    values = np.asarray(values)
    small = values.dtype.kind == "i" and (values == values.astype(np.int32)).all()
    return values.astype(np.int32) if small else values


def save(ds, path):
    """Writes a dataset, whole or not at all; RuntimeError says how much space was free if that fails.

    Text is written as characters, which NetCDF-3 has too.
    """
    text = {name: {"dtype": "S1"} for name, variable in ds.variables.items() if variable.dtype.kind in "TUO"}
    with atomic_write(path) as part:
        try:
            ds.to_netcdf(part, engine="netcdf4", format="NETCDF4", encoding=text)
        except (OSError, RuntimeError) as error:  # a full disk is an "HDF error", and no more, to the library
            needed, free = (size / 1e6 for size in (ds.nbytes, disk_usage(part.parent).free))
            room = f"it needs {needed:.1f} MB, and {free:.1f} MB are free there"
            raise RuntimeError(f"{full_path(path)} could not be written ({error}): {room}{HINT}") from error


def load(path):
    """The dataset at `path`, in memory; ValueError names a file that cannot be read."""
    try:
        return xr.load_dataset(path, engine="netcdf4")
    except OSError as error:
        found = f"{full_path(path)} is not a whole NetCDF file ({error})"
        raise ValueError(f"{found}: delete it and run again{HINT}") from error


def read_attributes(path):
    """The global attributes of the file at `path`."""
    with xr.open_dataset(path, engine="netcdf4") as ds:
        return ds.attrs


def join(parts):
    """One dataset of all seeds from datasets of some seeds each, the same as from one job over all of them.

    An attribute that differs between parts, such as the device, lists all its values.
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
