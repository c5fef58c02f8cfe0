"""Files: labels on everything, whole or absent, the same bytes for the same inputs, and networks that come back."""

import os
import subprocess
import sys

import netCDF4
import numpy as np
import pytest
from conftest import needs_compiler, small_cell
from house import ROOT

from engine.cells import make_cell
from engine.common.quantity import Quantity
from engine.losses.squared_error import SquaredError
from engine.optimizers import make_optimizer
from engine.results.netcdf import dataset, load, save
from engine.results.networks import load_networks, weight_quantities
from engine.results.trainings import save_training
from engine.tasks import make_task
from engine.training.train import train

QUANTITIES = {"height": Quantity("seed lag", "height of a thing", "[ELR.S]", units="m")}
ARRAYS = {"height": np.arange(6.0).reshape(2, 3)}
COORDS = {"seed": [3, 8], "lag": [1, 2, 4], "unit": range(9)}


def test_every_variable_and_coordinate_is_described(tmp_path):
    save(dataset(QUANTITIES, ARRAYS, COORDS, {"title": "a test"}), tmp_path / "a.nc")
    ds = load(tmp_path / "a.nc")
    assert ds.height.dims == ("seed", "lag")
    assert ds.height.attrs == {"long_name": "height of a thing", "units": "m", "equation": "[ELR.S]"}
    assert ds.seed.values.tolist() == [3, 8] and ds.lag.values.tolist() == [1, 2, 4]
    assert all({"long_name", "units"} <= set(v.attrs) for v in ds.variables.values())
    assert "unit" not in ds.coords  # no variable has this dimension


def test_undescribed_and_misfitting_arrays_are_refused():
    with pytest.raises(KeyError, match="width"):
        dataset(QUANTITIES, {"width": ARRAYS["height"]}, COORDS, {})
    with pytest.raises(ValueError, match="lag"):
        dataset(QUANTITIES, {"height": np.zeros((2, 4))}, COORDS, {})


def test_attributes_of_any_kind_can_be_written(tmp_path):
    save(dataset(QUANTITIES, ARRAYS, COORDS, {"a": True, "b": None, "c": {"x": 1}, "d": 2.5}), tmp_path / "a.nc")
    assert load(tmp_path / "a.nc").attrs == {"a": "yes", "b": "none", "c": '{"x": 1}', "d": 2.5}


def types(ds, path):
    """{name: type in the file} of the variables and the attributes of a dataset that is written there."""
    save(ds, path)
    with netCDF4.Dataset(path) as file:
        return {name: of.dtype for name, of in [*file.variables.items(), *vars(file).items()]}


def test_whole_numbers_take_32_bits_where_they_fit(tmp_path):
    """NetCDF-3 has no more, and `nccopy -k classic` refuses them."""
    found = types(dataset(QUANTITIES, ARRAYS, COORDS, {"units": 5}), tmp_path / "a.nc")
    assert found == {"height": np.float64, "seed": np.int32, "lag": np.int32, "units": np.int32}
    large = COORDS | {"lag": [1, 2, 2**31]}
    found = types(dataset(QUANTITIES, ARRAYS, large, {"units": 2**31}), tmp_path / "a.nc")
    assert found == {"height": np.float64, "seed": np.int32, "lag": np.int64, "units": np.int64}
    assert load(tmp_path / "a.nc").lag.values.tolist() == large["lag"]


def test_text_is_written_as_characters_and_comes_back(tmp_path):
    named = {"lag": ["short", "größer", ""]}
    for _ in range(2):  # as made, and as read
        found = types(dataset(QUANTITIES, ARRAYS, COORDS | named, {}), tmp_path / "a.nc")
        assert found["lag"] == np.dtype("S1")
        named = {"lag": load(tmp_path / "a.nc").lag.values}
        assert named["lag"].tolist() == ["short", "größer", ""]


def test_same_inputs_same_bytes(tmp_path):
    """Also from another process, whose hash seed and clock differ."""
    save(dataset(QUANTITIES, ARRAYS, COORDS, {"title": "a test"}), tmp_path / "a.nc")
    code = (
        "import sys; sys.path[:0] = sys.argv[1:4]; from test_netcdf import *;"
        "save(dataset(QUANTITIES, ARRAYS, COORDS, {'title': 'a test'}), sys.argv[4])"
    )
    subprocess.run([sys.executable, "-c", code, ".", "tests", "tests/results", str(tmp_path / "b.nc")], check=True)
    assert (tmp_path / "a.nc").read_bytes() == (tmp_path / "b.nc").read_bytes()


def test_a_failed_write_leaves_what_was_there(tmp_path, monkeypatch):
    path = tmp_path / "a.nc"
    path.write_text("before", encoding="utf-8")
    ds = dataset(QUANTITIES, ARRAYS, COORDS, {})

    def full_disk(part, **_):
        part.write_text("half", encoding="utf-8")
        raise OSError("No space left on device")

    monkeypatch.setattr(type(ds), "to_netcdf", lambda self, part, **options: full_disk(part))
    with pytest.raises(RuntimeError, match=r"a\.nc could not be written \(No space left.* MB are free there"):
        save(ds, path)
    assert [p.name for p in tmp_path.iterdir()] == ["a.nc"] and path.read_text(encoding="utf-8") == "before"


def test_a_truncated_file_is_named(tmp_path):
    path = tmp_path / "a.nc"
    save(dataset(QUANTITIES, ARRAYS, COORDS, {}), path)
    path.write_bytes(path.read_bytes()[:1000])
    with pytest.raises(ValueError, match=r"a\.nc is not a whole NetCDF file .*: delete it and run again"):
        load(path)


NO_LOCKS = "#include <errno.h>\nint flock(int file, int operation) { errno = ENOLCK; return -1; }"
SAVE_AND_LOAD = """
import sys
from engine.results.netcdf import dataset, load, save

path = sys.argv[1]
for done in (lambda: save(dataset({}, {}, {}, {}), path), lambda: load(path)):
    try:
        done()
        print("done")
    except (RuntimeError, ValueError) as error:
        print(error)
"""


@pytest.fixture
def save_and_load(tmp_path):
    """Saves and loads a file where no file can be locked; the lines that were said."""
    if sys.platform != "linux":
        pytest.skip("a library is put before the system's as Linux does it")
    shim, path = tmp_path / "no_locks.so", tmp_path / "a.nc"
    subprocess.run(["gcc", "-shared", "-fPIC", "-xc", "-", "-o", shim], input=NO_LOCKS, text=True, check=True)
    save(dataset(QUANTITIES, ARRAYS, COORDS, {}), path)
    kept = {name: value for name, value in os.environ.items() if name != "HDF5_USE_FILE_LOCKING"}

    def run(**more):
        words = [sys.executable, "-c", SAVE_AND_LOAD, path]
        environment = kept | more | {"LD_PRELOAD": str(shim)}
        return subprocess.run(words, cwd=ROOT, env=environment, capture_output=True, text=True).stdout.splitlines()

    return run


@needs_compiler
def test_no_locks_are_needed(save_and_load):
    assert save_and_load() == ["done", "done"]


@needs_compiler
def test_locks_that_a_user_asks_for_are_named_where_there_are_none(save_and_load):
    said = save_and_load(HDF5_USE_FILE_LOCKING="TRUE")
    assert ["could not be written" in said[0], "is not a whole NetCDF file" in said[1]] == [True, True]
    assert all(line.endswith("it takes HDF5_USE_FILE_LOCKING=FALSE") for line in said)


def test_trained_networks_come_back(cell, tmp_path):
    protocol = {"T": 6, "batch": 3, "updates": 4, "checkpoints": [0, 4]}
    training = train(cell, make_optimizer("sgd"), lambda k: 0.1, "adding", [5, 7], **protocol)
    save_training(
        training, cell, SquaredError(), {"seed": [5, 7], "checkpoint": [0, 4]}, {"title": "t"}, tmp_path / "t.nc"
    )
    networks = load_networks(tmp_path / "t.nc")
    assert networks.cell == cell
    assert networks.seeds == (5, 7) and networks.checkpoints == (0, 4)
    for found, expected in zip(networks.parameters, training.parameters, strict=True):
        np.testing.assert_array_equal(found, expected)


@pytest.mark.parametrize("readout_bias", [False, True])
def test_networks_of_several_outputs_come_back_and_their_file_says_what_loss_it_is(tmp_path, readout_bias):
    cell, task = small_cell("multi", inputs=4), make_task("copy")
    protocol = {"T": 10, "batch": 3, "updates": 4, "checkpoints": [0, 4], "probe_batch": 2}
    training = train(cell, make_optimizer("sgd"), lambda k: 0.1, task, [5, 7], **protocol, readout_bias=readout_bias)
    save_training(training, cell, task.loss, {"seed": [5, 7], "checkpoint": [0, 4]}, {}, tmp_path / "t.nc")
    for found, expected in zip(load_networks(tmp_path / "t.nc").parameters, training.parameters, strict=True):
        np.testing.assert_array_equal(found, expected)
    ds = load(tmp_path / "t.nc")
    assert ds.W_o.dims == ("seed", "checkpoint", "output", "unit") and ("b_o" in ds) == readout_bias
    assert ds.loss.long_name == "mean cross-entropy of the batch, before the update"
    assert ds.loss.equation == "[NET.loss]" and (not readout_bias or ds.b_o.equation == "[NET.bias]")
    assert ds.probe_loss.long_name == "mean cross-entropy of the probe batch, before the update that follows"


def test_biases_have_the_label_of_their_definition():
    labels = {name: q.label for name, q in weight_quantities(make_cell("gru", 4, 3, bias=True), 1).items()}
    assert {name for name, label in labels.items() if label == "[NET.bias]"} == {
        "b",
        "b_h",
        "reset_b",
        "update_b",
        "b_o",
    }


def test_training_file_has_weights_by_their_names(tmp_path):
    cell = small_cell("scalar")
    protocol = {"T": 6, "batch": 3, "updates": 4, "checkpoints": [0]}
    training = train(cell, make_optimizer("sgd"), lambda k: 0.1, "adding", [5], **protocol)
    save_training(training, cell, SquaredError(), {"seed": [5], "checkpoint": [0]}, {}, tmp_path / "t.nc")
    ds = load(tmp_path / "t.nc")
    dims = {name: ds[name].dims[2:] for name in ("W_r", "W_i", "w_r", "w_i", "W_o")}
    assert dims == {
        "W_r": ("unit", "source"),
        "W_i": ("unit", "input"),
        "w_r": ("source",),
        "w_i": ("input",),
        "W_o": ("unit",),
    }
    assert ds.loss.dims == ("seed", "iteration") and ds.loss.dtype == np.float32


def test_a_file_says_which_layer_a_unit_is_in(tmp_path):
    cell = make_cell("stack", 4, 3, layers=["scalar", "gru"])
    protocol = {"T": 6, "batch": 3, "updates": 4, "checkpoints": [0]}
    training = train(cell, make_optimizer("adam"), lambda k: 0.1, "adding", [5], **protocol)
    save_training(training, cell, SquaredError(), {"seed": [5], "checkpoint": [0]}, {}, tmp_path / "t.nc")
    ds = load(tmp_path / "t.nc")
    names = ("layer1_W_i", "layer1_w_r", "layer2_W_r", "layer2_W_i", "W_o", "adaptive_step")
    assert {name: ds[name].dims[2:] for name in names} == {
        "layer1_W_i": ("layer_unit", "input"),
        "layer1_w_r": ("source",),
        "layer2_W_r": ("layer_unit", "source"),
        "layer2_W_i": ("layer_unit", "below"),
        "W_o": ("layer_unit",),
        "adaptive_step": ("unit",),
    }
    assert ds.layer.dims == ("unit",) and ds.layer.values.tolist() == [1] * 4 + [2] * 4
    assert ds.adaptive_step.where(ds.layer == 2, drop=True).shape == (1, 1, 4)
