"""Batches of a task for an ensemble: each seed draws its own, independent of the network that reads it."""

import numpy as np

from engine.common.seeding import stream
from engine.tasks import make_task


def ensemble_batch(task, seeds, purpose, index, *, T, n, batch, dtype="float64"):
    """Batch `index` of `purpose` ("train", "probe", ...) for each seed, NumPy.

    Returns u (T, member, n, batch), y (member, batch), and the number of redrawn paths (member,). The same seed and
    task, a name or a Task, give the same batch to every cell and optimizer.
    """
    task = make_task(task)
    u, y = np.empty((T, len(seeds), n, batch), dtype), np.empty((len(seeds), batch), dtype)
    redrawn = np.empty(len(seeds), int)
    for m, seed in enumerate(seeds):
        u[:, m], y[m], redrawn[m] = task.draw(stream(seed, task.name, purpose, index), T, n, batch)
    return u, y, redrawn
