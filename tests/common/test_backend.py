"""Which library an array belongs to, and what is done where that library lacks something."""

import sys
from types import ModuleType

import numpy as np

from engine.common.backend import namespace, per_pass


def test_arrays_that_do_not_name_their_library_are_traced_to_it(monkeypatch):
    """As CuPy's: the first part of the name of the module that makes them."""
    library = ModuleType("quiet")
    monkeypatch.setitem(sys.modules, "quiet", library)
    array = type("ndarray", (), {"__module__": "quiet._core.core"})()
    assert namespace(array) is library


def test_a_pass_is_small_on_a_cpu_and_whole_on_a_device():
    assert per_pass(np.asarray, 4, 20) == 4
    assert per_pass(lambda x: x, 4, 20) == 20
