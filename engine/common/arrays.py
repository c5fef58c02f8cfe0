"""Reads arrays by name from files: .npz, .safetensors, and .pt of torch.save."""

import json
from functools import cache
from pathlib import Path
from zipfile import BadZipFile

import numpy as np

from engine.common.files import full_path
from engine.common.numbers import from_bytes
from engine.common.torch_file import read_torch

HOW = "save a state_dict with safetensors.torch.save_file, or with numpy.savez(path, **{k: w.numpy() for k, w in ...})"
TYPES = {"F64": "<f8", "F32": "<f4", "F16": "<f2", "BF16": "bfloat16", "I64": "<i8", "I32": "<i4", "BOOL": "?"}


def read_arrays(path):
    """{name: read-only array} of a file; ValueError as in `read_file`."""
    arrays = read_file(path, READERS)
    for array in arrays.values():
        array.flags.writeable = False
    return dict(arrays)


def read_file(path, readers):
    """What the one of `readers`, by the ending of a file, finds in it, read again only after it has changed.

    ValueError says what is wrong with a file that is missing, cut off or of another kind.
    """
    path = full_path(path)
    ending = Path(path).suffix
    if ending not in readers:
        raise ValueError(f"{path}: arrays are read from {', '.join(readers)}: {HOW}")
    try:
        version = Path(path).stat()
        return read_version(readers[ending], path, version.st_mtime_ns, version.st_size)
    except FileNotFoundError as error:
        raise ValueError(f"{path} is not there") from error
    except (OSError, ValueError, KeyError, TypeError, EOFError, BadZipFile) as error:
        raise ValueError(f"{path} is no whole {ending} file ({error})") from error


@cache  # a workflow asks for the sizes of a network many times before it starts its first job
def read_version(reader, path, modified, size):
    """What `reader` finds in one version of a file."""
    return reader(path)


def read_npz(path):
    """Arrays of a .npz file; refuses arrays of Python objects, because reading them can run code."""
    with np.load(path, allow_pickle=False) as file:
        try:
            return {name: file[name] for name in file.files}
        except ValueError as error:
            advice = "an array in it is a Python object: two stars give the arrays by name, numpy.savez(path, **d)"
            raise ValueError(advice if "Object arrays" in str(error) else error) from error


def read_safetensors(path):
    """Arrays of a .safetensors file: eight bytes with the length of a header, the header in JSON, the numbers."""
    content = Path(path).read_bytes()
    start = 8 + int.from_bytes(content[:8], "little")
    header = json.loads(content[8:start])
    header.pop("__metadata__", None)
    return {name: array_of(name, entry, content[start:]) for name, entry in header.items()}


def array_of(name, entry, numbers):
    """One array of a .safetensors file, from its entry in the header and the bytes of all arrays."""
    if entry["dtype"] not in TYPES:
        raise ValueError(f"{name} is of type {entry['dtype']}; allowed are {', '.join(TYPES)}")
    first, end = entry["data_offsets"]
    return from_bytes(numbers[first:end], TYPES[entry["dtype"]]).reshape(entry["shape"])


READERS = {".npz": read_npz, ".safetensors": read_safetensors, ".pt": read_torch, ".pth": read_torch}
