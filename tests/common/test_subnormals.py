"""What a processor does with subnormal numbers, and that it does so only where it is asked to."""

import platform

import numpy as np
import pytest

from engine.common import subnormals


@pytest.mark.skipif(not subnormals.X86, reason=f"{platform.machine()} has no such register")
def test_subnormal_numbers_are_zeros_within_and_nowhere_else():
    x = np.full(9, 1e-20, "float32")
    with pytest.raises(KeyError), subnormals.as_zeros():
        assert (x * x == 0).all(), "a result"
        assert (np.float32(1e-40) + 0 * x == 0).all(), "an input"
        raise KeyError
    assert (x * x > 0).all()
