"""Weights that Keras saves: .keras, .weights.h5, and .h5 of its versions 1 and 2.

Kernels are stored transposed, (input, gates H). Keras 3 numbers the weights of a layer, layers/lstm/cell/vars/0, and
before they had names, lstm_1/lstm_1/kernel:0. A .keras file, and a model in a .h5 file, say with which activations a
layer computes; a file of weights alone does not, and the defaults of Keras are taken. HDF5 is read by netCDF4.
"""

import json
import re
from pathlib import Path
from zipfile import ZipFile

import netCDF4

from engine.results.formats.keras_layers import Said, default_gates, layer_of, layers_of
from engine.results.formats.weights import Weights, arranged

ORDER = {"plain": ("W",), "gru": ("update", "reset", "W"), "lstm": ("input", "forget", "W", "output")}
ORDER["gru_before"] = ORDER["gru"]
KINDS = {1: "plain", 3: "gru", 4: "lstm"}  # by the number of gates
NUMBERED = {"cell": ("kernel", "recurrent_kernel", "bias"), "dense": ("kernel", "bias")}
NO_WEIGHTS = re.compile(r"^optimizer|seed_generator")  # what training keeps beside the weights


def read_keras(path):
    """The Weights of a file of Keras."""
    content, model, version = Path(path).read_bytes(), None, "3"
    if path.endswith(".keras"):
        with ZipFile(path) as archive:
            content = archive.read("model.weights.h5")
            model, about = (json.loads(archive.read(f"{name}.json")) for name in ("config", "metadata"))
            version = about["keras_version"]
    with netCDF4.Dataset("weights", memory=content) as file:
        arrays = dict(datasets(file))
        version = getattr(file, "keras_version", version)
        if "model_config" in file.ncattrs():
            model = json.loads(file.model_config)
    said = dict(layers_of(model, version, numbered=path.endswith(".keras"))) if model else {}
    found = Weights({}, {})
    for place, parts in by_place(arrays).items():
        add(found, place, parts, said, version)
    return found


def datasets(group, path=()):
    """Pairs of path, as a tuple, and array of all data sets in a file."""
    group.set_auto_maskandscale(False)
    for name, variable in group.variables.items():
        if variable.dtype is str:
            where = "/".join((*path, name))
            raise ValueError(f"{where} has numbers of a type that is not read, such as float16: save it as float32")
        array = variable[...]
        array.flags.writeable = False
        yield (*path, name), array
    for name, inner in group.groups.items():
        yield from datasets(inner, (*path, name))


def by_place(arrays):
    """{path of a layer: {name: array}}, with names for numbers."""
    found = {}
    for path, array in arrays.items():
        *place, name = (part.partition(":")[0] for part in path if part not in ("vars", "layers", "model_weights"))
        names = NUMBERED.get("dense" if place and place[-1].startswith("dense") else "".join(place[-1:]), ())
        if name.isdigit() and int(name) < len(names):
            name = names[int(name)]
        if not NO_WEIGHTS.search(".".join(path)):
            found.setdefault(tuple(place), {})[name] = array
    return found


def add(found, place, parts, said, version):
    """Adds the weights of one layer to the Weights `found`."""
    module, side = module_of(place)
    name, layer, backwards = said.get(module, Said(module))
    if "recurrent_kernel" in parts:
        layer = layer or layer_of(kind_of(parts), version, gates=default_gates(version))
        found.layers[name] = layer
        suffix = "_l0_reverse" if backwards or side == "backward" else "_l0"
        parts = {f"{part}{suffix}": array for part, array in recurrent(layer.kind, **parts).items()}
    elif parts.keys() <= {"kernel", "bias"} and "kernel" in parts:
        parts = {"weight" if part == "kernel" else part: array.T for part, array in parts.items()}
    found.arrays.update({".".join(filter(None, (name, part))): array for part, array in parts.items()})


def module_of(place):
    """The name of a layer in the file, and its side, forward or backward, if it is one of a Bidirectional layer."""
    if place and re.fullmatch(r"(.*_)?cell(_\d+)?", place[-1]):
        place = place[:-1]
    side = re.match(r"(forward|backward)_", place[-1]) if len(place) > 1 else None
    if side:
        place = place[:-1]
    if place and place[-1] in place[:-1]:  # before Keras 3 a layer's name stands twice
        place = place[-1:]
    return ".".join(place), side and side[1]


def kind_of(parts):
    """The kind of a layer by its shapes: with reset_after, which is the default, a GRU has two rows of biases."""
    recurrent = parts["recurrent_kernel"]
    kind = KINDS.get(recurrent.shape[-1] // recurrent.shape[0], "plain")
    return "gru_before" if kind == "gru" and parts.get("bias", recurrent).ndim == 1 else kind


def recurrent(kind, kernel, recurrent_kernel, bias=None, **others):
    """{name in PyTorch: array} of the weights of a layer; `others` keep their names."""
    found = {"weight_ih": arranged(kind, ORDER, kernel.T), "weight_hh": arranged(kind, ORDER, recurrent_kernel.T)}
    for side, row in zip(("ih", "hh"), [] if bias is None else bias.reshape(-1, kernel.shape[1]), strict=False):
        found[f"bias_{side}"] = arranged(kind, ORDER, row)
    return found | others
