"""Arrays from a file of torch.save, without PyTorch, and without running what a pickle may say.

Such a file is a zip archive: data.pkl says how tensors lie in storages, and data/0, data/1, ... are the storages. Until
PyTorch 1.6 it was a row of pickles, the fourth of which is data.pkl, and behind them the storages, in the order of the
keys in the fifth. Of all that a pickle can name, the reader knows what a state_dict is made of; any other name would be
code, and is refused.
"""

import pickle
from collections import OrderedDict
from zipfile import ZipFile, is_zipfile

import numpy as np
from numpy.lib.stride_tricks import as_strided

from engine.common.numbers import from_bytes

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


BEFORE_1_6 = 0x1950A86A20F9469CFC6C  # the first of its pickles


def read_torch(path):
    """{name: array} of the tensors in a file of torch.save; names of nested dictionaries are joined by dots."""
    with open(path, "rb") as file:
        try:
            if not is_zipfile(file):
                return dict(tensors(read_row_of_pickles(file)))
            with ZipFile(file) as archive:
                return dict(tensors(read_archive(archive)))
        except (pickle.UnpicklingError, AttributeError, IndexError) as error:
            raise ValueError(f"its pickle is broken: {error}") from error


def read_archive(archive):
    """What data.pkl of such an archive holds."""
    names = archive.namelist()
    folder = next((name.removesuffix("data.pkl") for name in names if name.endswith("/data.pkl")), None)
    if folder is None:
        raise ValueError("there is no data.pkl in it")
    if f"{folder}byteorder" in names:
        check_order_of_bytes(archive.read(f"{folder}byteorder") == b"little")

    def storage(key, dtype, count):
        return from_bytes(archive.read(f"{folder}data/{key}"), dtype, count)

    with archive.open(f"{folder}data.pkl") as file:
        return Reader(file, storage).load()


def read_row_of_pickles(file):
    """What the fourth pickle holds. It is read twice: how long a storage is stands in the numbers that it has there."""
    file.seek(0)
    if Reader(file).load() != BEFORE_1_6:
        raise ValueError("torch.save did not write it")
    Reader(file).load()  # the version of the format, which has been the same since
    check_order_of_bytes(Reader(file).load()["little_endian"])
    start, kinds = file.tell(), {}

    def noted(key, dtype, count):
        kinds[key] = dtype
        return np.zeros(count, np.uint8)

    Reader(file, noted).load()
    keys = Reader(file).load()
    storages = {key: stored(file, kinds[key]) for key in keys}
    file.seek(start)
    return Reader(file, lambda key, dtype, count: storages[key][:count]).load()


def stored(file, dtype):
    """The next storage of a file: how many numbers, and the numbers."""
    count = int.from_bytes(file.read(8), "little")
    size = 2 if dtype == "bfloat16" else np.dtype(dtype).itemsize
    return from_bytes(file.read(count * size), dtype, count)


def check_order_of_bytes(little):
    if not little:
        raise ValueError("its numbers have the byte order big, and little is read")


def tensors(found, prefix=""):
    """Pairs of full name and array of all tensors in nested dictionaries."""
    for name, value in found.items() if isinstance(found, dict) else ():
        if isinstance(value, np.ndarray):
            yield f"{prefix}{name}", value
        else:
            yield from tensors(value, f"{prefix}{name}.")


class Reader(pickle.Unpickler):
    """Unpickles a state_dict, and nothing that could run."""

    def __init__(self, file, storage=None):
        """`storage` gives the numbers of a storage by its key, their dtype and their count."""
        super().__init__(file)
        self.storage = storage

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
        _, kind, key, _, count, *view = of_storage
        if any(view):
            raise ValueError("one of its storages is a part of another: load it in PyTorch and save it again")
        return self.storage(key, STORAGES[kind], count)


def tensor(storage, offset, size, stride, *_):
    """The part of a storage that a tensor is; ValueError where it would leave the storage."""
    reach = [offset, *((n - 1) * step for n, step in zip(size, stride, strict=True))]
    if 0 in size:
        return np.empty(size, storage.dtype)
    if min(reach) < 0 or sum(reach) >= len(storage):
        raise ValueError(f"a tensor of shape {tuple(size)} leaves its storage of {len(storage)}")
    return as_strided(storage[offset:], size, [step * storage.itemsize for step in stride], writeable=False)


def parameter(data, *_):
    """A tensor that was trained."""
    return data
