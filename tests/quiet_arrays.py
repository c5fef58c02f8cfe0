"""Arrays that lack what CuPy's lack: a name for their library, svdvals, devices by name, and any dealing with NumPy's.

This module is their library: NumPy's functions, which take these arrays and no others.
"""

from types import SimpleNamespace

import numpy as np


class Array(np.lib.mixins.NDArrayOperatorsMixin):
    """A NumPy array that only `get` gives away."""

    device = SimpleNamespace(id=0)

    def __init__(self, values):
        self.values = np.asarray(values)

    shape, ndim, size, nbytes, dtype, T = (
        property(lambda self, name=name: answer(getattr(self.values, name)))
        for name in ("shape", "ndim", "size", "nbytes", "dtype", "T")
    )

    def get(self):
        return self.values.copy()

    def __array__(self, *_, **__):
        raise TypeError("implicit conversion to a NumPy array is not allowed")

    def __array_ufunc__(self, ufunc, method, *inputs, out=(), **options):
        found = getattr(ufunc, method)(*map(plain, inputs), **({"out": plain(out)} if out else {}), **options)
        return out[0] if out else Array(found)

    def __getitem__(self, place):
        return Array(self.values[index(place)])

    def __setitem__(self, place, value):
        self.values[index(place)] = plain(value)

    def __len__(self):
        return len(self.values)

    def __bool__(self):
        return bool(self.values)

    def __float__(self):
        return float(self.values)

    def __int__(self):
        return int(self.values)

    def __getattr__(self, name):
        if name.startswith("__"):
            raise AttributeError(name)
        return ours(getattr(self.values, name))


def place(x):
    """Moves a NumPy array to these."""
    return Array(np.array(x))


def plain(x):
    """What NumPy gets for an argument; TypeError for a NumPy array."""
    if isinstance(x, np.ndarray) and x.ndim:
        raise TypeError(f"a NumPy array of shape {x.shape} among arrays of a device")
    if isinstance(x, Array):
        return x.values
    return type(x)(map(plain, x)) if type(x) in (list, tuple) else x


def index(place):
    """An index as NumPy's: CuPy takes NumPy's arrays in one."""
    if isinstance(place, tuple):
        return tuple(map(index, place))
    return place.values if isinstance(place, Array) else place


def answer(x):
    """What a function gives back, in these arrays."""
    if isinstance(x, np.ndarray | np.generic):
        return Array(x)
    if isinstance(x, tuple) and x and isinstance(x[0], np.ndarray):
        return type(x)(*map(answer, x)) if hasattr(x, "_fields") else tuple(map(answer, x))
    return x


def ours(function):
    def call(*arguments, device=None, **options):
        if device is not None:
            raise TypeError("got an unexpected keyword argument 'device'")
        return answer(function(*plain(arguments), **{key: plain(x) for key, x in options.items()}))

    return call


def asarray(x):
    return x if isinstance(x, Array) else Array(x)


# CuPy's svd, eigvalsh and qr take stacks of matrices one by one: the engine shall not lean on them.
linalg = SimpleNamespace(eigh=ours(np.linalg.eigh), norm=ours(np.linalg.norm))


def __getattr__(name):
    found = getattr(np, name)
    return ours(found) if callable(found) and not isinstance(found, type) else found
