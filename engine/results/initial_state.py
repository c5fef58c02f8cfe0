"""[NET.start] The trained state before the first step, from a file with weights."""

import numpy as np

NAMES = ("x_0", "x0", "h_0", "h0", "hx"), ("c_0", "c0", "cx")  # of the state or h, and of the memory c of an LSTM


def read_start(file, cell, names=()):
    """x_0 (state,) of a WeightFile; None if there is none.

    Each of the arrays, h and c of an LSTM, has the units of one layer after the other; one alone has all of the state.
    """
    names = names or [name for known in NAMES for name in known if file.key(name)]
    if not names:
        return None
    parts = [file.take(name).reshape(-1).astype(np.float64) for name in names]
    if sum(map(len, parts)) != cell.state_size or len({len(part) for part in parts}) > 1:
        found = " and ".join(f"{name} of {len(part)}" for name, part in zip(names, parts, strict=True))
        raise ValueError(f"the initial state has {cell.state_size} numbers, of an LSTM h and c, and found is {found}")
    by_layer = len(cell.layers) if len(parts) > 1 else 1
    return np.concatenate([part.reshape(by_layer, -1) for part in parts], axis=1).reshape(-1)
