"""One layer and one direction out of PyTorch's layers: weight_hh_l1_reverse belongs to layer 1, in reverse."""

import re

from engine.common.registry import lookup

ENDING = re.compile(r"(?:weight|bias)_\w+_l(\d+)(_reverse)?$")
DIRECTIONS = {"forward": "", "reverse": "_reverse"}


def pick(file, direction, number):
    """The ending of the names of one layer in a WeightFile, after what the file has of others is left out.

    None where neither is asked for. Without a `number` it is layer 0, and further ones stay in the file; without a
    `direction` it is forward, and what there is in reverse stays.
    """
    if direction is None and number is None:
        return None
    ending = lookup("direction", direction or "forward", DIRECTIONS)
    for name in list(file.arrays):
        if found := ENDING.search(name):
            other_layer = number is not None and int(found[1]) != number
            if other_layer or (direction and found[2] != (ending or None)):
                file.leave_out([name])
    return f"_l{number or 0}{ending}"
