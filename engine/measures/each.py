"""The loop over the networks of a job."""

import numpy as np

from engine.common.backend import CPU, to_host
from engine.common.progress import Progress
from engine.network.unroll import Parameters

# Labels of what takes a loss, and of what takes the direction that a readout reads.
OF_A_LOSS = {"[BPTT.lag]", "[TAU.param]", "[TAU.coupling]", "[ANI.G]"}
OF_A_READOUT = {"[ALIGN.state]"}


def measure_each(networks, measure, title, *, device=CPU, members_per_pass=None, dtype="float64"):
    """Measures every network: {name: array (seed, checkpoint, ...)}, NumPy, NaN for networks that have diverged.

    `measure(parameters, seeds)` gets Parameters (member, ...) of one checkpoint on the device and returns
    {name: array (member, ...)}. By default a pass has one member on a CPU, to fit in cache, and all members on
    a GPU.
    """
    seeds, checkpoints = networks.seeds, networks.checkpoints
    members_per_pass = members_per_pass or device.per_pass(1, len(seeds))
    progress = Progress(f"{title}: network", len(seeds) * len(checkpoints))
    results = {}
    for i in range(len(checkpoints)):
        for first in range(0, len(seeds), members_per_pass):
            block = slice(first, first + members_per_pass)
            W, W_o = (p[i, block].astype(dtype) for p in networks.parameters)
            sound = np.isfinite(W).all(axis=(1, 2)) & np.isfinite(W_o).all(axis=(1, 2))
            W[~sound], W_o[~sound] = 0, 0  # diverged networks get zero weights here and NaN results below
            found = measure(Parameters(device.move(W), device.move(W_o)), seeds[block])
            for name, value in found.items():
                value = to_host(value)
                if not sound.all():
                    value = np.where(sound.reshape(-1, *[1] * (value.ndim - 1)), value, np.nan)
                if name not in results:
                    results[name] = np.empty((len(seeds), len(checkpoints), *value.shape[1:]), value.dtype)
                results[name][block, i] = value
            progress.advance(len(W))
    return results


def left_out(quantities, *, readout, targets):
    """Names of the quantities that cannot be said of networks without a readout, or on sequences without targets."""
    labels = (set() if readout and targets else OF_A_LOSS) | (set() if readout else OF_A_READOUT)
    return {name for name, quantity in quantities.items() if quantity.label in labels}
