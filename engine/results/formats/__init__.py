"""Weights of recurrent layers from files of other software: one module a format.

All of them are brought into the arrangement of PyTorch, whose names say what an array is: `lstm.weight_hh_l0`.
"""

from collections.abc import Mapping
from pathlib import Path

import numpy as np

from engine.common.arrays import READERS, read_arrays, read_file
from engine.results.formats.keras import read_keras
from engine.results.formats.onnx import read_onnx
from engine.results.formats.weights import Weights

FORMATS = {".keras": read_keras, ".h5": read_keras, ".hdf5": read_keras, ".onnx": read_onnx}


def read_weights(path):
    """The Weights of a file, or of a state_dict {name: array}; ValueError says what is wrong with it."""
    if isinstance(path, Mapping):
        return Weights({name: np.asarray(array) for name, array in path.items()}, {})
    if Path(path).suffix in READERS:
        return Weights(read_arrays(path), {})
    return read_file(path, READERS | FORMATS)
