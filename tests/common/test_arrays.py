"""Arrays from .npz and .safetensors files, and what is said of files that are neither."""

import json

import numpy as np
import pytest

from engine.common import arrays as arrays_file
from engine.common.arrays import read_arrays

DTYPES = {"float64": "F64", "float32": "F32", "float16": "F16", "int64": "I64", "bool": "BOOL"}


def write_safetensors(path, arrays, **dtypes):
    """As the safetensors library writes it: length of the header, header padded with blanks, numbers."""
    header, numbers = {"__metadata__": {"format": "pt"}}, b""
    for name, array in arrays.items():
        raw = array.tobytes()
        header[name] = {
            "dtype": dtypes.get(name, DTYPES.get(array.dtype.name)),
            "shape": list(array.shape),
            "data_offsets": [len(numbers), len(numbers) + len(raw)],
        }
        numbers += raw
    text = json.dumps(header).encode()
    text += b" " * (-len(text) % 8)
    path.write_bytes(len(text).to_bytes(8, "little") + text + numbers)


@pytest.mark.parametrize("dtype", DTYPES)
def test_arrays_come_back_from_either_format(dtype, tmp_path):
    arrays = {"a.weight": np.arange(6).reshape(2, 3).astype(dtype), "b": np.zeros(0, dtype), "c": np.array(1, dtype)}
    write_safetensors(tmp_path / "a.safetensors", arrays)
    np.savez(tmp_path / "a.npz", **arrays)
    for ending in ("npz", "safetensors"):
        found = read_arrays(tmp_path / f"a.{ending}")
        assert found.keys() == arrays.keys()
        for name, array in arrays.items():
            assert found[name].dtype == array.dtype
            np.testing.assert_array_equal(found[name], array)


def test_bfloat16_is_the_upper_half_of_float32(tmp_path):
    exact = np.array([1.0, -2.5, 3.0e38, 0.0, 2.0**-130], "float32")  # seven bits behind the point are enough for these
    cut = (exact.view("u4") >> 16).astype("u2")
    write_safetensors(tmp_path / "a.safetensors", {"x": cut}, x="BF16")
    kept = (cut.astype("u4") << 16).view("f4")
    np.testing.assert_array_equal(read_arrays(tmp_path / "a.safetensors")["x"], kept)
    np.testing.assert_array_equal(kept[[0, 1, 3]], exact[[0, 1, 3]])


def test_what_is_no_such_file_is_said(tmp_path):
    sound = tmp_path / "a.safetensors"
    write_safetensors(sound, {"x": np.zeros(100)})
    (tmp_path / "cut.safetensors").write_bytes(sound.read_bytes()[:-8])
    (tmp_path / "short.safetensors").write_bytes(b"12")
    (tmp_path / "text.npz").write_text("no archive", encoding="utf-8")
    np.savez(tmp_path / "objects.npz", x=np.array([{}]))
    write_safetensors(tmp_path / "new.safetensors", {"x": np.zeros(3, "u1")}, x="F8_E4M3")
    expected = {
        "model.onnx": r"model\.onnx: arrays are read from \.npz, \.safetensors, \.pt, \.pth: save a state_dict with",
        "missing.npz": r"missing\.npz is not there",
        "cut.safetensors": r"cut\.safetensors is no whole \.safetensors file",
        "short.safetensors": r"short\.safetensors is no whole \.safetensors file",
        "text.npz": r"text\.npz is no whole \.npz file",
        "objects.npz": r"objects\.npz is no whole \.npz file \(an array in it is a Python object: two stars give",
        "new.safetensors": r"x is of type F8_E4M3; allowed are F64, F32",
    }
    for name, message in expected.items():
        with pytest.raises(ValueError, match=message):
            read_arrays(tmp_path / name)


def test_a_message_has_the_full_path_without_detours(tmp_path, monkeypatch):
    monkeypatch.setenv("HOME", str(tmp_path))
    monkeypatch.chdir(tmp_path)
    for path in ("~/a.npz", "b/../a.npz", "a.npz"):
        with pytest.raises(ValueError) as caught:
            read_arrays(path)
        assert str(caught.value) == f"{tmp_path}/a.npz is not there"


def test_a_file_is_read_again_only_after_a_change(tmp_path, monkeypatch):
    reads, path = [], tmp_path / "w.npz"
    monkeypatch.setitem(arrays_file.READERS, ".npz", lambda p: reads.append(p) or arrays_file.read_npz(p))
    np.savez(path, a=np.arange(3.0))
    for _ in range(3):
        found = read_arrays(path)
    assert reads == [str(path)]
    with pytest.raises(ValueError, match="read-only"):
        found["a"][0] = 1  # would be what the next caller gets
    np.savez(path, a=np.arange(4.0))
    assert len(read_arrays(path)["a"]) == 4 and reads == 2 * [str(path)]
