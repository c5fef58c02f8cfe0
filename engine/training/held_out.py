"""[DATA.held] Loss on a probe batch that no update has seen, which tells learning from memorising."""

import numpy as np

from engine.common.backend import CPU, to_host
from engine.common.quantity import Quantity
from engine.network.unroll import Parameters, forward, loss_and_error
from engine.tasks import make_task
from engine.tasks.batches import ensemble_batch

QUANTITIES = {
    "probe_loss": Quantity(
        "seed checkpoint", "mean {loss} of the probe batch, before the update that follows", "[DATA.held]"
    ),
}


def held_out(cell, task, seeds, *, T, probe_batch, device=CPU):
    """A function from weights (W, W_o) on the host to all QUANTITIES (member,), float64; to {} if probe_batch is None.

    The measurements use the same probe batch.
    """
    if probe_batch is None:
        return lambda weights: {}
    loss = make_task(task).loss
    u, y = map(device.move, ensemble_batch(task, seeds, "probe", 0, T=T, n=cell.inputs, batch=probe_batch)[:2])

    def measure(weights):
        parameters = Parameters(*(device.move(p.astype(np.float64)) for p in weights))
        trajectory = forward(cell, parameters.W, u, keep_tapes=False)
        return {"probe_loss": to_host(loss_and_error(cell, parameters, trajectory, y, loss)[0])}

    return measure
