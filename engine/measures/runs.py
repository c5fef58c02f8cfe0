"""What networks do on the sequences on which they are measured."""

from engine.network.unroll import forward
from engine.tasks.batches import ensemble_batch, ensemble_starts


def drawn(networks, task, seeds, purpose, *, T, batch, device):
    """Sequences on the device: u (step, member, n, batch), y, and how they begin, as `forward` takes it.

    Recorded sequences of unequal length have more than T steps.
    """
    u, y, _ = ensemble_batch(task, seeds, purpose, 0, T=T, n=networks.cell.inputs, batch=batch)
    start = networks.start | ensemble_starts(task, seeds, purpose, 0, batch)
    u = networks.in_order(u, start.get("begins"))
    return device.move(u), device.move(y), {name: device.move(values) for name, values in start.items()}


def run(networks, parameters, task, seeds, *, T, batch, device, purpose="probe", keep_tapes=False):
    """The Trajectory of the last T steps on such sequences, and their targets y."""
    u, y, start = drawn(networks, task, seeds, purpose, T=T, batch=batch, device=device)
    return forward(networks.cell, parameters.W, u, keep_tapes=keep_tapes, **start).last(T), y


def in_blocks(u, y, start, samples):
    """Yields u, y and how they begin, as from `drawn`, of some samples at a time."""
    batch = u.shape[-1]
    for first in range(0, batch, samples):
        some = slice(first, min(first + samples, batch))
        # One x_0 may stand for all.
        begin = {name: x[..., some] if x.shape[-1] == batch else x for name, x in start.items()}
        yield u[..., some], y[..., some], begin
