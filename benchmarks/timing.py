"""Side by side timing: `seconds(function)` is the clock, that of one_core for a CPU, that of run_gpu for a device."""

import numpy as np


def interleaved(functions, rounds, *, seconds, warm_up=1):
    """{name: seconds (rounds,)}: each round calls every function once, so that a slow spell of the machine hits all.

    The first `warm_up` calls are not measured: they compile.
    """
    for function in functions.values():
        for _ in range(warm_up):
            function()
    found = [{name: seconds(function) for name, function in functions.items()} for _ in range(rounds)]
    return {name: np.array([times[name] for times in found]) for name in functions}
