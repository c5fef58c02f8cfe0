"""Arrays of numbers from the bytes of a file."""

import numpy as np


def from_bytes(content, dtype, count=-1):
    """The first `count` numbers, or all of them. `dtype` is NumPy's, or bfloat16, the upper half of a float32."""
    if dtype == "bfloat16":
        return (np.frombuffer(content, "<u2", count).astype("<u4") << 16).view("<f4")
    return np.frombuffer(content, dtype, count)
