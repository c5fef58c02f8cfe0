"""Which library an array belongs to, and which device a job gets."""

import sys
from types import ModuleType, SimpleNamespace

import numpy as np
import pytest

from engine.common.backend import CPU, DeviceError, find_device, namespace


def test_arrays_that_do_not_name_their_library_are_traced_to_it(monkeypatch):
    """As CuPy's: the first part of the name of the module that makes them."""
    library = ModuleType("quiet")
    monkeypatch.setitem(sys.modules, "quiet", library)
    array = type("ndarray", (), {"__module__": "quiet._core.core"})()
    assert namespace(array) is library


def test_without_a_gpu_a_job_computes_on_the_host_without_a_copy():
    x = np.ones(3)
    assert find_device(0) == CPU and CPU.on_host and CPU.move(x) is x
    assert (CPU.name, CPU.backend) == ("cpu", f"numpy {np.__version__}")


class RuntimeFault(Exception):
    """As CuPy's error of the CUDA runtime."""


def cupy(devices=1, fault=None):
    """A CuPy with so many devices, the second of which is the current one, or one whose first use fails."""

    def zeros(shape):
        if fault:
            raise RuntimeFault(fault)
        return np.zeros(shape)

    runtime = SimpleNamespace(
        CUDARuntimeError=RuntimeFault,
        getDeviceCount=lambda: devices,
        getDevice=lambda: 1,
        getDeviceProperties=lambda i: {"name": f"card {i}".encode()},
    )
    return SimpleNamespace(__version__="15.0", zeros=zeros, asarray=np.array, cuda=SimpleNamespace(runtime=runtime))


def test_a_gpu_says_its_name_and_its_library(monkeypatch):
    library = cupy()
    monkeypatch.setitem(sys.modules, "cupy", library)
    found = find_device(1)
    assert (found.name, found.backend, found.on_host) == ("card 1", "cupy 15.0", False)
    assert found.move is library.asarray


@pytest.mark.parametrize(
    ("library", "said"),
    [
        (None, "CuPy cannot be imported"),
        (cupy(devices=0), "no CUDA device"),
        (cupy(fault="cudaErrorNoDevice: no CUDA-capable device is detected"), "no CUDA device"),
        (cupy(fault="driver is insufficient"), r"CuPy 15.0 does not match the driver \(driver is insufficient\)"),
    ],
)
def test_a_gpu_that_cannot_be_used_is_never_replaced_by_the_cpu(monkeypatch, library, said):
    monkeypatch.setitem(sys.modules, "cupy", library)
    with pytest.raises(DeviceError, match=f"gpu = 1 was asked for, but .*{said}"):
        find_device(1)
