"""The array namespace of an array, and the only moves between host and device."""

import numpy as np


def namespace(x):
    """Array namespace (`xp`) of `x`: NumPy, CuPy, or any other that follows the array API standard."""
    return x.__array_namespace__()


def to_host(x):
    """`x` as a NumPy array, copied from the device where it lies on one."""
    if isinstance(x, np.ndarray | np.generic):
        return x
    if hasattr(x, "get"):
        return x.get()
    return np.from_dlpack(x.to_device("cpu") if hasattr(x, "to_device") else x)
