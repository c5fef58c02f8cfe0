"""The array namespace of an array, the devices of a job, and the only moves between host and device."""

import sys
from collections.abc import Callable
from dataclasses import dataclass

import numpy as np


class DeviceError(RuntimeError):
    """The requested device cannot be used; the message says why and what to do."""


def namespace(x):
    """Array namespace (`xp`) of `x`: NumPy, CuPy, or any other that follows the array API standard."""
    if hasattr(x, "__array_namespace__"):
        return x.__array_namespace__()
    return sys.modules[type(x).__module__.partition(".")[0]]  # CuPy's arrays do not name theirs


def zeros(like, *shape):
    """Zeros with the dtype and on the device of `like`; CuPy's own creation functions take no device."""
    xp = namespace(like)
    return xp.zeros_like(xp.broadcast_to(like[(0,) * like.ndim], shape))


def identity(like, size):
    """The identity matrix with the dtype and on the device of `like`."""
    flat = zeros(like, size * size)
    flat[:: size + 1] = 1
    return namespace(like).reshape(flat, (size, size))


def in_rows(x):
    """A C-contiguous copy of `x`, which kernels and batched products need."""
    copy = zeros(x, *x.shape)
    copy[...] = x
    return copy


def like(x, values):
    """NumPy `values` as an array of the kind and on the device of `x`."""
    xp = namespace(x)
    if xp is np:
        return values
    try:
        return xp.asarray(values, device=x.device)
    except TypeError:  # CuPy takes no device: the current one is the job's
        return xp.asarray(values)


def to_host(x):
    """`x` as a NumPy array, copied from the device if it lies on one."""
    if isinstance(x, np.ndarray | np.generic):
        return x
    if hasattr(x, "get"):
        return x.get()
    return np.from_dlpack(x, device="cpu")


@dataclass(frozen=True)
class Device:
    """Where a job computes."""

    name: str
    backend: str  # its array library, with the version
    move: Callable  # from a NumPy array to an array of this device
    on_host: bool = False  # whether its arrays are NumPy's

    def per_pass(self, in_cache, everything):
        """Items per pass: `in_cache` on the host, so that they fit in the cache; `everything`, to fill a GPU."""
        return in_cache if self.on_host else everything


CPU = Device("cpu", f"numpy {np.__version__}", np.asarray, on_host=True)


def find_device(gpu):
    """CPU, or the CUDA device for a job with gpu >= 1.

    Raises DeviceError if a GPU is requested and cannot be used; never falls back.
    """
    if not gpu:
        return CPU
    try:
        import cupy
    except ImportError as error:
        raise DeviceError(
            f"gpu = {gpu} was asked for, but CuPy cannot be imported ({error}): "
            "install the extra that fits the CUDA driver, gpu-cuda12 or gpu-cuda13, or ask for gpu = 0"
        ) from error
    try:
        devices = cupy.cuda.runtime.getDeviceCount()
        cupy.zeros(1) + 1
    except cupy.cuda.runtime.CUDARuntimeError as error:
        if "no CUDA-capable device" in str(error) or "NoDevice" in str(error):
            raise DeviceError(
                f"gpu = {gpu} was asked for, but this machine has no CUDA device: ask for gpu = 0"
            ) from error
        raise DeviceError(
            f"gpu = {gpu} was asked for, but CuPy {cupy.__version__} does not match the driver ({error}): "
            "install the extra that fits it, gpu-cuda12 or gpu-cuda13, or ask for gpu = 0"
        ) from error
    if not devices:
        raise DeviceError(f"gpu = {gpu} was asked for, but this machine has no CUDA device: ask for gpu = 0")
    properties = cupy.cuda.runtime.getDeviceProperties(cupy.cuda.runtime.getDevice())
    return Device(properties["name"].decode(), f"cupy {cupy.__version__}", cupy.asarray)
