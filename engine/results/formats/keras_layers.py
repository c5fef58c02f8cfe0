"""What Keras says of the layers of a model: their names, kinds and activations."""

import re
from typing import NamedTuple

from engine.results.formats.weights import Layer

CLASSES = {"SimpleRNN": "plain", "GRU": "gru", "LSTM": "lstm"}


class Said(NamedTuple):
    """What the configuration of a model says of one of its layers."""

    name: str
    layer: Layer | None = None  # if it is recurrent
    backwards: bool = False


def layers_of(model, version, numbered, place=(), names=()):
    """Pairs of module in the file and Said of all layers of a model, those of models in it too.

    A module is called like its layer, or, `numbered`, like its class, with a number if there are several.
    """
    entries, counts = model["config"], {}
    for entry in entries.get("layers", []) if isinstance(entries, dict) else entries:
        config, kind = entry["config"], entry["class_name"]
        snake = re.sub(r"(?<=[a-z0-9])(?=[A-Z])|(?<=[A-Z])(?=[A-Z][a-z])", "_", kind).lower()
        counts[snake] = number = counts.get(snake, -1) + 1
        name = (*names, config.get("name", snake))
        module = (*place, f"{snake}_{number}" if number else snake) if numbered else name
        if "layers" in config:
            yield from layers_of(entry, version, numbered, module, name)
        else:
            yield ".".join(module), Said(".".join(name), *recurrent_layer(kind, config, version))


def recurrent_layer(kind, config, version):
    """The Layer of the configuration of a layer, and whether it runs backwards; nothing if it is not recurrent."""
    for wrapper, inner in (("Bidirectional", "layer"), ("RNN", "cell")):
        if kind == wrapper:
            kind, config = config[inner]["class_name"], config[inner]["config"] | {"go_backwards": False}
    kind = CLASSES.get(kind.removesuffix("Cell"))
    if kind is None:
        return ()
    if kind == "gru" and not config.get("reset_after", False):
        kind = "gru_before"
    said = {"phi": config.get("activation", "tanh"), "gates": config.get("recurrent_activation", "sigmoid")}
    return layer_of(kind, version, **said), config.get("go_backwards", False)


def layer_of(kind, version, phi="tanh", gates="sigmoid"):
    """The Layer of a kind with these activations."""
    hard = {"hard_gates": 0.2 if major_minor(version) < (3, 0) else 1 / 6}
    phis = {"tanh": {}} | ({"relu": {"nonlinearity": "relu"}} if kind == "plain" else {})
    known = {"sigmoid": {}} | ({} if kind == "gru" else {"hard_sigmoid": hard})
    refused = [] if str(phi) in phis else [f"activation = {phi}"]
    refused += [] if kind == "plain" or str(gates) in known else [f"recurrent_activation = {gates}"]
    options = {} if refused else phis[phi] | ({} if kind == "plain" else known[gates])
    return Layer(kind, options, ", ".join(refused))


def default_gates(version):
    """The activation of gates where the model does not say it. TensorFlow had two of them."""
    if major_minor(version) >= (2, 3):
        return "sigmoid"
    return f"sigmoid or hard_sigmoid, weights alone of Keras {version}" if "tf" in version else "hard_sigmoid"


def major_minor(version):
    """(2, 2) of such as 2.2.4-tf."""
    return tuple(map(int, re.findall(r"\d+", f"{version}.0")[:2]))
