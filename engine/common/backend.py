"""The array namespace of an array, and the only moves between host and device."""

import sys

import numpy as np


class DeviceError(RuntimeError):
    """A device that was asked for cannot be used; the message says why and what to do."""


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
    """A copy of `x` whose elements follow each other row by row, as kernels and batched products need them."""
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
    """`x` as a NumPy array, copied from the device where it lies on one."""
    if isinstance(x, np.ndarray | np.generic):
        return x
    if hasattr(x, "get"):
        return x.get()
    return np.from_dlpack(x, device="cpu")


def placement(gpu):
    """What moves a NumPy array to where a job works: np.asarray on the CPU, cupy.asarray for a job with gpu >= 1.

    Raises DeviceError where a GPU is asked for and cannot be had; never falls back.
    """
    if not gpu:
        return np.asarray
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
    return cupy.asarray


def per_pass(place, on_cpu, everything):
    """How many of `everything` one pass holds: `on_cpu` where they shall fit a cache, all of them to fill a device."""
    return on_cpu if place is np.asarray else everything


def describe(place):
    """{"backend", "device"}: the array library that `place` moves to, with its version, and the device by name."""
    x = place(np.zeros(1))
    xp = namespace(x)
    library = f"{xp.__name__} {xp.__version__}"
    if xp is np:
        return {"backend": library, "device": "cpu"}
    properties = xp.cuda.runtime.getDeviceProperties(x.device.id)
    return {"backend": library, "device": properties["name"].decode()}
