"""[DATA.held] The loss on sequences that no update has seen: without it, memorising cannot be told from learning."""

import numpy as np

from engine.common.backend import CPU, to_host
from engine.common.quantity import Quantity
from engine.network.unroll import Parameters, forward, loss_and_error
from engine.tasks.batches import ensemble_batch

QUANTITIES = {
    "probe_loss": Quantity(
        "seed checkpoint", "mean squared error of the probe batch, before the update that follows", "[DATA.held]"
    ),
}


def held_out(cell, task, seeds, *, T, probe_batch, device=CPU):
    """A function from weights (W, W_o) on the host to all QUANTITIES, float64; to {} without a probe batch.

    The probe batch is the one of the measurements.
    """
    if probe_batch is None:
        return lambda weights: {}
    u, y = map(device.move, ensemble_batch(task, seeds, "probe", 0, T=T, n=cell.inputs, batch=probe_batch)[:2])

    def measure(weights):
        parameters = Parameters(*(device.move(p.astype(np.float64)) for p in weights))
        trajectory = forward(cell, parameters.W, u, keep_tapes=False)
        return {"probe_loss": to_host(loss_and_error(cell, parameters, trajectory, y)[0])}

    return measure
