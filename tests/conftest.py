"""Fixtures that every test file shares."""

import fcntl
import os
import shutil
from contextlib import contextmanager
from functools import cache, partial

import array_api_strict
import cuda_on_cpu
import numpy as np
import pytest
import quiet_arrays
from house import SMOKE, copy_of_the_house, snakemake

from engine.cells import CELLS, make_cell
from engine.common import cuda
from engine.common.backend import CPU, Device, DeviceError, find_device
from engine.losses.cross_entropy import CrossEntropy
from engine.losses.squared_error import SquaredError
from engine.network.unroll import Parameters
from engine.training.train import initial_parameters

STRICT_DEVICE = array_api_strict.Device("device1")


def on_strict(x):
    """A copy that refuses silent conversion to NumPy, as CuPy's arrays do."""
    return array_api_strict.asarray(np.array(x), device=STRICT_DEVICE)


DEVICES = {
    "numpy": CPU,
    "strict": Device("strict", "array_api_strict", on_strict),
    "quiet": Device("quiet", "quiet_arrays", quiet_arrays.place),
}
PLACES = {name: device.move for name, device in DEVICES.items()}


@pytest.fixture(params=PLACES)
def place(request):
    """Moves a NumPy array to where a test works: NumPy, or arrays that refuse silent conversion.

    Strict ones keep to the array API standard; quiet ones lack what CuPy's lack.
    """
    return PLACES[request.param]


@pytest.fixture(params=DEVICES)
def device(request):
    """As `place`, for what takes a Device."""
    return DEVICES[request.param]


@pytest.fixture(params=[*PLACES, "kernels"])
def place_or_kernels(request):
    """As `place`, and quiet arrays that the CUDA kernels take."""
    if request.param == "kernels":
        request.getfixturevalue("kernels_on_cpu")
    return PLACES.get(request.param, quiet_arrays.place)


needs_compiler = pytest.mark.skipif(not shutil.which("g++"), reason="g++, which builds kernels for a CPU, is not here")


@pytest.fixture(scope="session")
def compile_on_cpu(tmp_path_factory):
    """`engine.common.cuda.compiled` for a CPU; g++ takes longer than most tests that need a kernel."""
    return cache(partial(cuda_on_cpu.kernel, tmp_path_factory.mktemp("kernels")))


@pytest.fixture
def kernels_on_cpu(monkeypatch, compile_on_cpu):
    """CUDA kernels run on the CPU, and the engine gives them quiet arrays; skips where they cannot be built for it."""
    if not shutil.which("g++"):
        pytest.skip(needs_compiler.kwargs["reason"])
    monkeypatch.setattr(cuda, "compiled", compile_on_cpu)
    monkeypatch.setattr(cuda, "on_gpu", lambda x: isinstance(x, quiet_arrays.Array))
    monkeypatch.setattr(cuda, "most_shared_bytes", lambda: 227 * 1024)


@pytest.fixture(scope="session")
def gpu():
    """The CUDA device; skips, with the reason, where there is none that works."""
    try:
        return find_device(1)
    except DeviceError as error:
        pytest.skip(str(error))


@pytest.fixture(scope="session")
def on_gpu(gpu):
    """Moves a NumPy array to the GPU."""
    return gpu.move


# Layers of a stack: one with memories, and one whose gate resets what the other passes on.
OPTIONS = {"leaky": {"alpha": 0.8}, "stack": {"layers": ["lstm", "gru", "multi"]}}
FURTHER = {"biases": {"bias": True}, "relu": {"nonlinearity": "relu"}, "hard gates": {"hard_gates": 0.3}}
VARIANTS = ["leaky with relu", "gru_before with hard gates", "lstm with hard gates"]
ALL_CELLS = [f"{name}{biases}" for name in CELLS for biases in ("", " with biases")]

ONE_LAYER = [name for name in CELLS if name != "stack"]


@pytest.fixture(params=[*ALL_CELLS, *VARIANTS])
def cell(request):
    """Every registered cell, without and with biases, and VARIANTS; small: H = 5, n = 3; OPTIONS."""
    return small_cell(request.param)


def small_cell(name, units=5, inputs=3):
    name, _, further = name.partition(" with ")
    return make_cell(name, units, inputs, **OPTIONS.get(name, {}), **FURTHER.get(further, {}))


@pytest.fixture
def example(cell):
    """An ensemble of three networks of `cell` with inputs and targets: (parameters, u, y), T = 7, batch 4, float64."""
    return make_example(cell)


def make_example(cell, seeds=(1, 2, 3), T=7, batch=4, gain=1.5, outputs=1):
    """As `example`; weights are scaled by `gain`, so that the gates and tanh leave their linear range."""
    rng = np.random.default_rng(0)
    W, W_o = (gain * p for p in initial_parameters(cell, seeds, "float64", outputs))
    u = rng.standard_normal((T, len(seeds), cell.inputs, batch))
    y = rng.standard_normal((len(seeds), batch))
    return Parameters(W, W_o), u, y


OUTPUTS = 3
READINGS = {  # losses other than that of one number at the last step
    "squared error of the last step": SquaredError(1),
    "squared error of three steps": SquaredError(3),
    "cross-entropy of every step": CrossEntropy(7),
}


@pytest.fixture(params=READINGS)
def reading(request):
    """A loss of OUTPUTS outputs, at one, some or all of 7 steps."""
    return READINGS[request.param]


def targets(loss, members=3, batch=4):
    """Targets (member, step, row, batch); whole numbers fit a loss of classes as well as one of numbers."""
    size = members, loss.steps, loss.rows(OUTPUTS), batch
    return np.random.default_rng(5).integers(0, OUTPUTS, size).astype(float)


@pytest.fixture(scope="session")
def smoke(tmp_path_factory):
    """A finished smoke run: (folder, what Snakemake said). Processes of one test run share the run, each has a copy."""
    own = tmp_path_factory.getbasetemp()
    shared = (own.parent if "PYTEST_XDIST_WORKER" in os.environ else own) / "finished"
    with locked(shared.with_suffix(".lock")):
        if not shared.exists():
            begun = copy_of_the_house(tmp_path_factory.mktemp("begun"))
            said = snakemake(begun, *SMOKE)
            assert said.returncode == 0, said.stderr
            (begun / "said").write_text(said.stderr, encoding="utf-8")
            begun.rename(shared)
    folder = shutil.copytree(shared, own / "house", symlinks=True)
    return folder, (folder / "said").read_text(encoding="utf-8")


@contextmanager
def locked(path):
    """Only one process at a time goes on."""
    with open(path, "w", encoding="utf-8") as file:
        fcntl.flock(file, fcntl.LOCK_EX)
        yield
