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


def write_row_of_pickles(path, pickled, storages, little=True):
    """As torch.save before 1.6."""
    system = {"protocol_version": 1001, "little_endian": little, "type_sizes": {"short": 2}}
    head = [0x1950A86A20F9469CFC6C, 1001, system]
    keys = [str(key) for key in range(len(storages))]
    row = [*(pickle.dumps(value, 2) for value in head), b"\x80\x02" + pickled + b".", pickle.dumps(keys, 2)]
    path.write_bytes(b"".join(row) + b"".join(len(s).to_bytes(8, "little") + s.tobytes() for s in storages))


def test_a_file_from_before_zip_archives(tmp_path):
    a, b = np.arange(6.0), np.arange(4).astype("f4")
    cut = (b.view("u4") >> 16).astype("<u2")
    tensors = {
        "a": pickled_tensor("0", "DoubleStorage", 6, 1, (2,), (3,)),
        "b": pickled_tensor("1", "FloatStorage", 4, 0, (2, 2), (1, 2)),
        "c": pickled_tensor("2", "BFloat16Storage", 4, 0, (4,), (1,)),
    }
    write_row_of_pickles(tmp_path / "a.pt", dictionary(step=op(3), state=dictionary(**tensors)), [a, b, cut])
    found = read_arrays(tmp_path / "a.pt")
    for (name, array), value in zip(found.items(), (a[[1, 4]], b.reshape(2, 2).T, b), strict=True):
        assert name in {"state.a", "state.b", "state.c"} and array.dtype == value.dtype
        np.testing.assert_array_equal(array, value)
    (tmp_path / "a.pt").write_bytes((tmp_path / "a.pt").read_bytes()[:-1])
    with pytest.raises(ValueError, match=r"no whole \.pt file"):
        read_arrays(tmp_path / "a.pt")
    write_row_of_pickles(tmp_path / "a.pt", dictionary(**tensors), [a, b, cut], little=False)
    with pytest.raises(ValueError, match="byte order big"):
        read_arrays(tmp_path / "a.pt")


@pytest.mark.parametrize(
    ("content", "message"),
    [(pickle.dumps(1), "torch.save did not write it"), (b"text", "its pickle is broken"), (b"", "no whole .pt file")],
)
def test_what_is_no_file_of_pytorch_is_said(content, message, tmp_path):
    (tmp_path / "a.pt").write_bytes(content)
    with pytest.raises(ValueError, match=message):
        read_arrays(tmp_path / "a.pt")
