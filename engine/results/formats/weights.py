"""What a file says of a network: arrays in the arrangement of PyTorch, and the layers that they are of."""

from typing import NamedTuple

import numpy as np

# Blocks that PyTorch stacks in weight_hh and weight_ih, in its order; W is the candidate.
STACKED = {
    "plain": ("W",),
    "gru": ("reset", "update", "W"),
    "gru_before": ("reset", "update", "W"),
    "lstm": ("input", "forget", "W", "output"),
}


class Layer(NamedTuple):
    """What a file says of a recurrent layer beside its weights. PyTorch's files say nothing."""

    kind: str  # of its cell
    options: dict  # of its cell
    refused: str = ""  # what in it no cell here has


class Weights(NamedTuple):
    """Arrays by their names in PyTorch's arrangement, and {module: Layer}."""

    arrays: dict
    layers: dict


def arranged(kind, order, gates):
    """Weights or biases of all gates below each other, from `order` to the order of PyTorch."""
    parts = dict(zip(order[kind], np.split(gates, len(order[kind])), strict=True))
    return np.concatenate([parts[gate] for gate in STACKED[kind]])
