"""Arrays from a file of torch.save, without PyTorch, and without running what a pickle may say.

Such a file is a zip archive: data.pkl says how tensors lie in storages, and data/0, data/1, ... are the storages. Of
all that a pickle can name, the reader knows what a state_dict is made of; any other name would be code, and is refused.
"""

import pickle
from collections import OrderedDict
from zipfile import ZipFile, is_zipfile

import numpy as np
from numpy.lib.stride_tricks import as_strided

STORAGES = {
    "DoubleStorage": "<f8",
    "FloatStorage": "<f4",
    "HalfStorage": "<f2",
    "BFloat16Storage": "bfloat16",
    "LongStorage": "<i8",
    "IntStorage": "<i4",
    "ShortStorage": "<i2",
    "CharStorage": "<i1",
    "ByteStorage": "<u1",
    "BoolStorage": "?",
}


def read_torch(path):
    """{name: array} of the tensors in a file of torch.save; names of nested dictionaries are joined by dots."""
    with open(path, "rb") as file:
        if not is_zipfile(file):
            raise ValueError("it is no zip archive, as PyTorch writes since 1.6: load it there and save it again")
        with ZipFile(file) as archive:
            return dict(tensors(unpickled(archive)))


def unpickled(archive):
    """What data.pkl of such an archive holds."""
    names = archive.namelist()
    folder = next((name.removesuffix("data.pkl") for name in names if name.endswith("/data.pkl")), None)
    if folder is None:
        raise ValueError("there is no data.pkl in it")
    if f"{folder}byteorder" in names and archive.read(f"{folder}byteorder") != b"little":
        raise ValueError("its numbers have the byte order big, and little is read")
    with archive.open(f"{folder}data.pkl") as file:
        try:
            return Reader(file, archive, folder).load()
        except (pickle.UnpicklingError, AttributeError, IndexError) as error:
            raise ValueError(f"its pickle is broken: {error}") from error


def tensors(found, prefix=""):
    """Pairs of full name and array of all tensors in nested dictionaries."""
    for name, value in found.items() if isinstance(found, dict) else ():
        if isinstance(value, np.ndarray):
            yield f"{prefix}{name}", value
        else:
            yield from tensors(value, f"{prefix}{name}.")


class Reader(pickle.Unpickler):
    """Unpickles a state_dict, and nothing that could run."""

    def __init__(self, file, archive, folder):
        super().__init__(file)
        self.archive, self.folder = archive, folder

    def find_class(self, module, name):
        if module == "torch" and name in STORAGES:
            return name
        known = {
            ("collections", "OrderedDict"): OrderedDict,
            ("torch._utils", "_rebuild_tensor_v2"): tensor,
            ("torch._utils", "_rebuild_parameter"): parameter,
        }
        if (module, name) not in known:
            raise ValueError(
                f"it holds more than tensors, {module}.{name}, which reading it would run: save the weights alone, "
                "torch.save(model.state_dict(), path)"
            )
        return known[module, name]

    def persistent_load(self, of_storage):
        """The numbers of a storage."""
        _, kind, key, _, count = of_storage
        content = self.archive.read(f"{self.folder}data/{key}")
        if STORAGES[kind] == "bfloat16":  # the upper half of a float32
            return (np.frombuffer(content, "<u2", count).astype("<u4") << 16).view("<f4")
        return np.frombuffer(content, STORAGES[kind], count)


def tensor(storage, offset, size, stride, *_):
    """A copy of the part of a storage that a tensor is; ValueError where it would leave the storage."""
    reach = [offset, *((n - 1) * step for n, step in zip(size, stride, strict=True))]
    if 0 in size:
        return np.empty(size, storage.dtype)
    if min(reach) < 0 or sum(reach) >= len(storage):
        raise ValueError(f"a tensor of shape {tuple(size)} leaves its storage of {len(storage)}")
    return as_strided(storage[offset:], size, [step * storage.itemsize for step in stride]).copy()


def parameter(data, *_):
    """A tensor that was trained."""
    return data
