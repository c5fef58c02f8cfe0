"""Which library an array belongs to, and what is done where that library lacks something."""

import sys
from types import ModuleType, SimpleNamespace

import numpy as np

from engine.backend import at_once, decomposed, namespace, singular_values


def test_arrays_that_do_not_name_their_library_are_traced_to_it(monkeypatch):
    """As CuPy's: the first part of the name of the module that makes them."""
    library = ModuleType("quiet")
    monkeypatch.setitem(sys.modules, "quiet", library)
    array = type("ndarray", (), {"__module__": "quiet._core.core"})()
    assert namespace(array) is library


def test_singular_values_where_the_library_has_none_for_stacks(monkeypatch):
    x = np.random.default_rng(0).normal(size=(3, 5, 4, 4))
    expected = np.linalg.svdvals(x)
    quiet = SimpleNamespace(linalg=SimpleNamespace(), asarray=lambda values, device: values)
    monkeypatch.setattr("engine.backend.namespace", lambda x: quiet)
    np.testing.assert_array_equal(singular_values(x), expected)
    for found, part in zip(decomposed("svd", x), np.linalg.svd(x), strict=True):
        np.testing.assert_array_equal(found, part)


def test_a_pass_is_small_on_a_cpu_and_whole_on_a_device():
    assert at_once(np.asarray, 4, 20) == 4
    assert at_once(lambda x: x, 4, 20) == 20
