"""State_dicts of torch.save from their bytes: the format as PyTorch writes it, and what is refused in it."""

import pickle
from zipfile import ZipFile

import numpy as np
import pytest

from engine.common.arrays import read_arrays

KINDS = {"float64": "DoubleStorage", "float32": "FloatStorage", "float16": "HalfStorage", "int8": "CharStorage"}


def op(value):
    """The opcodes of a plain value, without the frame around them."""
    return pickle.dumps(value, protocol=2)[2:-1].replace(b"q\x00", b"")


def pickled_tensor(key, kind, count, offset, size, stride):
    storage = b"(" + op("storage") + b"ctorch\n%s\n" % kind.encode() + op(key) + op("cpu") + op(count) + b"tQ"
    arguments = b"(" + storage + op(offset) + tuple_op(size) + tuple_op(stride) + op(False)
    return b"ctorch._utils\n_rebuild_tensor_v2\n" + arguments + b"ccollections\nOrderedDict\n)RtR"


def tuple_op(numbers):
    return b"(" + b"".join(map(op, numbers)) + b"t"


def write_torch(path, pickled, storages=()):
    """As torch.save: data.pkl, whose one value is `pickled`, and the storages beside it."""
    with ZipFile(path, "w") as archive:
        archive.writestr("model/data.pkl", b"\x80\x02" + pickled + b".")
        archive.writestr("model/byteorder", "little")
        for key, storage in enumerate(storages):
            archive.writestr(f"model/data/{key}", storage.tobytes())


def dictionary(**entries):
    items = b"".join(op(name) + value for name, value in entries.items())
    return b"ccollections\nOrderedDict\n)R(" + items + b"u"


@pytest.mark.parametrize("dtype", KINDS)
def test_a_state_dict_comes_back(dtype, tmp_path):
    """Among its tensors a transposed one, one that shares a storage, an empty one, and a dictionary in it."""
    storage = np.arange(12).astype(dtype)
    tensors = {
        "whole": (0, (3, 4), (4, 1)),
        "transposed": (0, (4, 3), (1, 4)),
        "part": (5, (2,), (3,)),
        "empty": (0, (0, 2), (2, 1)),
        "number": (7, (), ()),
    }
    pickled = {name: pickled_tensor("0", KINDS[dtype], 12, *place) for name, place in tensors.items()}
    nested = dictionary(epoch=op(3), weights=dictionary(**pickled))
    write_torch(tmp_path / "a.pt", nested, [storage])
    found = read_arrays(tmp_path / "a.pt")
    whole = storage.reshape(3, 4)
    expected = [whole, whole.T, storage[[5, 8]], np.empty((0, 2)), storage[7]]
    assert list(found) == [f"weights.{name}" for name in tensors]
    for array, value in zip(found.values(), expected, strict=True):
        assert array.dtype == dtype
        np.testing.assert_array_equal(array, value)


def test_bfloat16_is_the_upper_half_of_float32(tmp_path):
    exact = np.array([1.0, -2.5, 0.0], "float32")  # seven bits behind the point are enough for these
    pickled = dictionary(x=pickled_tensor("0", "BFloat16Storage", 3, 0, (3,), (1,)))
    write_torch(tmp_path / "a.pth", pickled, [(exact.view("u4") >> 16).astype("<u2")])
    np.testing.assert_array_equal(read_arrays(tmp_path / "a.pth")["x"], exact)


REFUSED = {
    "a call": (
        b"cos\nsystem\n(" + op("touch ran") + b"tR",
        r"it holds more than tensors, os\.system, .*state_dict\(\)",
    ),
    "a class": (b"c__main__\nModel\n)R", r"it holds more than tensors, __main__\.Model"),
    "quantized": (b"ctorch._utils\n_rebuild_qtensor\n", r"more than tensors, torch\._utils\._rebuild_qtensor"),
    "a tensor beyond its storage": (
        dictionary(x=pickled_tensor("0", "FloatStorage", 2, 1, (2,), (1,))),
        r"a tensor of shape \(2,\) leaves its storage of 2",
    ),
    "a storage that is not there": (dictionary(x=pickled_tensor("5", "FloatStorage", 2, 0, (2,), (1,))), "data/5"),
    "half a pickle": (b"(", "no whole .pt file"),
}


@pytest.mark.parametrize("name", REFUSED)
def test_what_is_no_state_dict_is_refused_and_not_run(name, tmp_path, monkeypatch):
    pickled, message = REFUSED[name]
    monkeypatch.chdir(tmp_path)
    write_torch(tmp_path / "a.pt", pickled, [np.zeros(2, "f4")])
    with pytest.raises(ValueError, match=message):
        read_arrays(tmp_path / "a.pt")
    assert not (tmp_path / "ran").exists()


def test_files_of_old_versions_are_told_how(tmp_path):
    (tmp_path / "a.pt").write_bytes(pickle.dumps(1))
    with pytest.raises(
        ValueError, match=r"no whole \.pt file \(it is no zip archive, .* load it there and save it again"
    ):
        read_arrays(tmp_path / "a.pt")
