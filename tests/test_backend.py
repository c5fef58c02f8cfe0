"""Which library an array belongs to, and what is done where that library lacks something."""

import sys
from types import ModuleType

import numpy as np

from engine.backend import at_once, namespace


def test_arrays_that_do_not_name_their_library_are_traced_to_it(monkeypatch):
    """As CuPy's: the first part of the name of the module that makes them."""
    library = ModuleType("quiet")
    monkeypatch.setitem(sys.modules, "quiet", library)
    array = type("ndarray", (), {"__module__": "quiet._core.core"})()
    assert namespace(array) is library


def test_a_pass_is_small_on_a_cpu_and_whole_on_a_device():
    assert at_once(np.asarray, 4, 20) == 4
    assert at_once(lambda x: x, 4, 20) == 20
