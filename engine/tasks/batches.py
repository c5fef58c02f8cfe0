"""Batches of a task for an ensemble: each seed draws its own, independent of the network that reads it."""

import numpy as np

from engine.common.seeding import stream
from engine.tasks import make_task


def ensemble_batch(task, seeds, purpose, index, *, T, n, batch, dtype="float64"):
    """Batch `index` of `purpose` ("train", "probe", ...) for each seed, NumPy.

    Returns u (T, member, n, batch), y (member, ..., batch) and the number of redrawn paths (member,). The same seed and
    task, a name or a Task, give the same batch to every cell and optimizer.
    """
    task = make_task(task)
    drawn = [task.draw(stream(seed, task.name, purpose, index), T, n, batch) for seed in seeds]
    u, y, redrawn = zip(*drawn, strict=True)
    return np.stack(u, axis=1, dtype=dtype), np.stack(y, dtype=dtype), np.array(redrawn)


def ensemble_starts(task, seeds, purpose, index, batch):
    """How the sequences of `ensemble_batch` begin: x_0 (member, state, batch) or `begins` (member, batch), NumPy."""
    task = make_task(task)
    found = [task.starts(stream(seed, task.name, purpose, index), batch) for seed in seeds]
    return {name: np.stack([start[name] for start in found]) for name in found[0]}
