"""The arrays of a file of weights: each is used, left out by its name, or a reason to refuse the file."""

import re
from collections.abc import Mapping
from fnmatch import fnmatchcase

import numpy as np

from engine.common.files import full_path
from engine.common.registry import nearest
from engine.results.formats import read_weights

# What the name of an array gives away, and what is said of it where it is not used.
KNOWN = {
    r"weight_hr": "of a projection (proj_size), which makes a state of fewer units than the gates have; no cell here "
    "has one",
    r"(weight|bias)_.*_l[1-9]\d*": "of a further layer; measured are several layers as one cell, such as {kind: stack, "
    "layers: [lstm, lstm]}, or one by its `number`, with what it reads as `data`: so where it lies on two directions",
    r"_reverse$": "of the other direction; each is measured by itself, as `direction: forward` or `direction: reverse`",
    r"peephole|[._]c[ifo]$": "of peepholes, through which gates read the memory; the cell here has none",
    r"norm|(^|[._])(ln|bn)\d*[._]": "of a normalization, and the network here has none",
    r"(^|[._])([hcxs]_?0$|init)": "of an initial state: name one array, or h and c, as `start`",
    r"_raw$": "of a weight drop, which keeps the weights under this name: save them under the name without _raw",
    r"parametrizations|_[gv]$": "of a parametrization: save the weights themselves, after "
    "torch.nn.utils.parametrize.remove_parametrizations(module, name) or remove_weight_norm(module, name)",
    r"kernel": "of Keras or TensorFlow, which store weights transposed and gates in another order: "
    "docs/own-networks.md has a table",
    r"^arr_\d+$": "an array without a name: numpy.savez(path, **{name: array, ...}) keeps names",
    r"bias|(^|[._])b(_\w)?$": "a bias, but not by its name of the layer or of the readout, whose bias is called b_o",
}
PYTORCH = r"(weight|bias)(_[ih]h(_l\d+)?(_reverse)?)?$"  # names that it gives, and so no other ones misspelled
LISTED = 20  # names in a message
LAYER_0 = re.compile(r"((?:weight|bias)_[ih]h)(?:_l0)?(_reverse)?$")


class NoSuchArray(ValueError):
    """A name that is not in a file of weights."""


class WeightFile:
    """The arrays of a file, the names of those that have not been taken yet, and the reasons to refuse it."""

    def __init__(self, path, names, ignore):
        self.name = "the state_dict" if isinstance(path, Mapping) else full_path(path)
        self.reasons, self.lacking, (arrays, self.layers) = [], False, read_weights(path)
        lost = [name for name in names.values() if name not in arrays]
        self.reasons += [f"names: there is no {name}{nearest(name, arrays)}" for name in lost]
        new_names = {name: new for new, name in names.items()}
        arrays = {new_names.get(name, name): array for name, array in arrays.items()}
        lost = [pattern for pattern in ignore if not any(fnmatchcase(name, pattern) for name in arrays)]
        self.reasons += [f"ignore: there is no {pattern}{nearest(pattern, arrays)}" for pattern in lost]
        self.left_out = sorted(name for name in arrays if any(fnmatchcase(name, pattern) for pattern in ignore))
        self.arrays = {name: array for name, array in arrays.items() if name not in self.left_out}
        self.left = set(self.arrays)

    def keep(self, layers, *further):
        """Leaves out all but the arrays of some modules and the `further` ones; several modules are numbered."""
        modules = {name.rpartition(".")[0] for name in self.arrays}
        inside = [[name for name in self.arrays if name.startswith(f"{layer}.")] for layer in layers]
        lost = [layer for layer, names in zip(layers, inside, strict=True) if not (names or layer in self.layers)]
        found = f"(found: {listed(sorted(modules))})"
        self.reasons += [f"layer: there is no {layer}{nearest(layer, modules)} {found}" for layer in lost]
        self.layers = {module: said for module, said in self.layers.items() if module in layers}
        if lost:
            self.refuse()
        outside = self.arrays.keys() - {name for names in inside for name in names}
        outside = {name for name in outside if not any(f".{name}".endswith(f".{kept}") for kept in further)}
        self.leave_out(outside)
        if len(layers) > 1:
            self.number(layers)

    def leave_out(self, names):
        self.left_out = sorted({*self.left_out, *names})
        self.arrays = {name: array for name, array in self.arrays.items() if name not in self.left_out}
        self.left -= {*self.left_out}

    def number(self, modules):
        """Calls the weights of the first of some modules ..._l0, those of the second ..._l1, and so on."""
        new_names = {name: name for name in self.arrays}
        for number, module in enumerate(modules):
            own = [name for name in self.arrays if name.startswith(f"{module}.")]
            new_names |= {name: LAYER_0.sub(rf"\1_l{number}\2", name) for name in own}
        self.arrays = {new_names[name]: array for name, array in self.arrays.items()}
        self.left = set(self.arrays)

    def tried(self, read, *arguments):
        """What `read(self, ...)` finds in the file; None where it refuses, whose reason is kept."""
        try:
            return read(self, *arguments)
        except ValueError as reason:
            self.reasons.append(str(reason))
            self.lacking |= isinstance(reason, NoSuchArray)
            return None

    def finish(self, cell):
        """Raises ValueError with all reasons, one of them for each kind of array that nobody has taken."""
        by_reason = {}
        for name in sorted(self.left):
            known = known_reason(name) if cell or not re.search(PYTORCH, name) else None
            if cell or known:  # without a cell nobody knows what else is a part of it
                by_reason.setdefault(known or "no part of such a cell and one linear readout", []).append(name)
        self.reasons += [f"{listed(names)}: {reason}" for reason, names in by_reason.items()]
        if not cell:
            refused = [f"{module}: {said.refused}" for module, said in self.layers.items() if said.refused]
            self.reasons = [*refused, *self.reasons]
            if self.lacking:
                self.reasons.append(f"found in it: {listed(self.arrays) or 'nothing'}")
        if by_reason and cell:
            self.reasons.append("name under `ignore` what has no part in the network, and it is left out")
        if self.reasons:
            self.refuse()

    def refuse(self):
        raise ValueError(f"{self.name}: " + "; ".join(dict.fromkeys(self.reasons)))

    def key(self, name):
        """The full name of the array called `name`, alone or in a module (rnn.weight_hh_l0); None if there is none."""
        keys = [key for key in self.arrays if key == name or key.endswith(f".{name}")]
        if len(keys) > 1:
            raise ValueError(
                f"there are several {name} ({', '.join(keys)}): name one module as `layer`, or those of all layers"
            )
        return keys[0] if keys else None

    def take(self, name):
        """The array called `name`, of finite floating-point numbers."""
        key = self.key(name)
        if key is None:
            raise NoSuchArray(f"there is no {name}{self.nearest(name)}")
        self.left.discard(key)
        array = self.arrays[key]
        if array.dtype.kind != "f":
            alike = [key for key in self.arrays if self.arrays[key].dtype == array.dtype]
            raise ValueError(
                f"of type {array.dtype}: {', '.join(alike)}; weights are floating-point numbers, and quantized ones "
                "need their scale, so save them before they are quantized"
            )
        if not np.isfinite(array).all():
            raise ValueError(f"{key} has values that are no finite numbers")
        return array

    def settings(self, layer, suffix):
        """The options of `layer`, and those that the file says of the module whose weights end in `suffix`."""
        name = f"weight_hh{suffix}"
        module = (self.key(name) or name).removesuffix(name).rstrip(".")
        said = self.layers.get(module)
        if said is None:
            return layer.settings
        if said.refused:
            raise ValueError(f"{module}: {said.refused}")
        if said.kind != layer.name:
            raise ValueError(f"{module} is a layer of the kind {said.kind}, and the cell is {layer.name}")
        return layer.settings | said.options

    def nearest(self, name):
        """`, did you mean X?` if some array is called nearly so, and its name does not say that it is another one."""
        return nearest(name, [key for key in self.arrays if not re.search(PYTORCH, key) and not known_reason(key)])

    def find(self, name):
        """The array called `name`; None if there is none."""
        return self.take(name) if self.key(name) else None


def listed(names):
    """The first of some names."""
    further = f" and {len(names) - LISTED} more" if len(names) > LISTED else ""
    return ", ".join([*names][:LISTED]) + further


def known_reason(name):
    """What KNOWN says of an array of this name; None if nothing."""
    return next((reason for pattern, reason in KNOWN.items() if re.search(pattern, name)), None)
