"""Weights of the LSTM, GRU and RNN nodes of an ONNX file, and of its linear readouts, MatMul and Gemm.

Read are the constants of the graph, and of graphs in it; weights that nodes compute are not. A module is called like
its node: /rnn/LSTM is rnn.LSTM. The numbers of fields are those of onnx.proto.
"""

from pathlib import Path
from typing import NamedTuple

import numpy as np

from engine.common.numbers import from_bytes
from engine.common.protobuf import fields, whole_numbers
from engine.results.formats.weights import Layer, Weights, arranged

ORDER = {"plain": ("W",), "gru": ("update", "reset", "W"), "lstm": ("input", "output", "forget", "W")}
ORDER["gru_before"] = ORDER["gru"]
KINDS = {"RNN": "plain", "GRU": "gru", "LSTM": "lstm"}
ACTIVATIONS = {"plain": ["Tanh"], "gru": ["Sigmoid", "Tanh"], "lstm": ["Sigmoid", "Tanh", "Tanh"]}
ACTIVATIONS["gru_before"] = ACTIVATIONS["gru"]
SUFFIXES = {"forward": ["_l0"], "reverse": ["_l0_reverse"], "bidirectional": ["_l0", "_l0_reverse"]}
# data_type: dtype, and the field that has the numbers where raw_data does not. Whole numbers of 32 or 64 bits are not
# here: they are shapes and axes.
TYPES = {1: ("<f4", 4), 10: ("<f2", None), 11: ("<f8", 10), 16: ("bfloat16", None), 2: ("u1", None), 3: ("i1", None)}


class Node(NamedTuple):
    """A node of the graph; an input that is left out is an empty name."""

    kind: str
    name: str
    inputs: list
    output: str
    attributes: dict  # {name: fields of the attribute}

    def value(self, name, default=0):
        """A whole number or a text among the attributes."""
        found = self.attributes.get(name, {})
        return text(found[4]) if 4 in found else found.get(3, [default])[0]


def read_onnx(path):
    """The Weights of an ONNX file."""
    model = fields(memoryview(Path(path).read_bytes()))
    nodes, constants = [], {}
    collect(model[7][0], nodes, constants)
    found, used = Weights({}, {}), set()
    for node in nodes:
        if node.kind in KINDS:
            used |= add_layer(found, node, constants)
        elif node.kind in ("MatMul", "Gemm"):
            used |= add_linear(found, node, nodes, constants)
    # What is 0 is the start that PyTorch writes for a layer which is given none.
    others = {name: array for name, array in constants.items() if name not in used and array.ndim and array.any()}
    found.arrays.update(others)
    for array in found.arrays.values():
        array.flags.writeable = False
    return found


def collect(graph, nodes, constants):
    """Appends the nodes of a graph, and of graphs in it, and adds {name: array} of the constants."""
    graph = fields(graph)
    for message in graph.get(5, []):
        add_tensor(constants, message)
    for message in graph.get(1, []):
        node = node_of(message, number=len(nodes))
        for attribute in node.attributes.values():
            for inner in attribute.get(6, []):
                collect(inner, nodes, constants)
        if node.kind == "Constant" and "value" in node.attributes:
            add_tensor(constants, node.attributes["value"][5][0], node.output)
        elif node.kind == "Identity" and node.inputs[0] in constants:
            constants[node.output] = constants[node.inputs[0]]
        else:
            nodes.append(node)


def node_of(message, number):
    """The Node of a message, which is given a name if it has none."""
    found = fields(message)
    kind, attributes = text(found[4]), [fields(attribute) for attribute in found.get(5, [])]
    name = text(found.get(3)).strip("/").replace("/", ".") or f"{kind}_{number}"
    inputs = [text([part]) for part in found.get(1, [])]
    return Node(kind, name, inputs, text(found.get(2)), {text(part[1]): part for part in attributes})


def text(values):
    """The first of the values of a field, as a text; empty if there is none."""
    return bytes(values[0]).decode() if values else ""


def add_tensor(constants, message, name=None):
    """Adds a constant, unless its type is not among TYPES, by the name that is given or its own."""
    found = fields(message)
    name, kind = name or text(found.get(8)), found[2][0]
    if kind not in TYPES:
        return
    if found.get(14) == [1]:
        raise ValueError(f"{name} lies in another file: onnx.save(onnx.load(path), path) makes one of both")
    dtype, field = TYPES[kind]
    content = b"".join(found.get(9) or found.get(field, []))
    constants[name] = from_bytes(content, dtype).reshape(whole_numbers(found.get(1, [])))


def add_layer(found, node, constants):
    """Adds a recurrent layer to the Weights; returns the names of the constants that it has."""
    layer = layer_of(node)
    names = [*node.inputs, *[""] * 8][:8]
    missing = [name for name in names[1:4] if name and name not in constants]
    found.layers[node.name] = (
        layer._replace(refused="its weights are computed by other nodes, not kept") if missing else layer
    )
    if missing:
        return set()
    W, R, B = (constants.get(name) for name in names[1:4])
    for direction, suffix in enumerate(SUFFIXES[node.value("direction", "forward")]):
        parts = {"weight_ih": W[direction], "weight_hh": R[direction]}
        if B is not None:
            parts["bias_ih"], parts["bias_hh"] = np.split(B[direction], 2)
        for part, array in parts.items():
            found.arrays[f"{node.name}.{part}{suffix}"] = arranged(layer.kind, ORDER, array)
    for part, name in zip("hc", names[5:7], strict=True):
        if name in constants and constants[name].any():
            found.arrays[f"{node.name}.{part}0"] = constants[name]
    return set(names)


def layer_of(node):
    """The Layer of a node."""
    kind = KINDS[node.kind]
    if kind == "gru" and not node.value("linear_before_reset"):
        kind = "gru_before"
    said = [text([name]) for name in node.attributes.get("activations", {}).get(9, [])] or ACTIVATIONS[kind]
    options = options_of(kind, said, node) if said in (said[: len(ACTIVATIONS[kind])] * n for n in (1, 2)) else None
    refused = ["peepholes, through which gates read the memory"] if any(node.inputs[7:8]) else []
    refused += [f"activations = {', '.join(said)}"] if options is None else []
    refused += ["clip"] if "clip" in node.attributes else []
    refused += ["input_forget"] if node.value("input_forget") else []
    return Layer(kind, options or {}, ", ".join(refused))


def options_of(kind, activations, node):
    """Options of a cell with the activations of a node, of both directions if it has two; None if there is none."""
    slopes, middles = (
        from_bytes(b"".join(node.attributes.get(f"activation_{name}", {}).get(7, [])), "<f4").tolist()
        for name in ("alpha", "beta")
    )
    usual = ACTIVATIONS[kind]
    known = {tuple(usual): {}}
    if kind == "plain":
        known["Relu",] = {"nonlinearity": "relu"}
    elif kind != "gru" and {*middles} <= {0.5} and len({*slopes}) < 2:
        known["HardSigmoid", *usual[1:]] = {"hard_gates": (slopes or [0.2])[0]}
    return known.get(tuple(activations[: len(usual)]))


def add_linear(found, node, nodes, constants):
    """Adds a linear map of a node to the Weights; returns the names of the constants that it has."""
    read, weight, *bias = node.inputs
    if weight not in constants or constants[weight].ndim != 2 or read in constants:
        return set()
    if not bias:
        added = [other.inputs for other in nodes if other.kind == "Add" and node.output in other.inputs]
        bias = [name for names in added for name in names if name in constants and constants[name].ndim == 1]
    module = weight.removesuffix(".weight") if weight.endswith(".weight") else node.name
    found.arrays[f"{module}.weight"] = constants[weight] if node.value("transB") else constants[weight].T
    if bias:
        found.arrays[f"{module}.bias"] = constants[bias[0]]
    return {weight, *bias[:1]}
