"""The tasks. One that is registered here obeys every test in tests/tasks/test_tasks.py."""

import numpy as np

from engine.common.registry import lookup
from engine.common.seeding import stream
from engine.tasks.ar2 import AR2
from engine.tasks.marks import Adding, Recall
from engine.tasks.narma import Narma10, Narma20
from engine.tasks.sinmix import Sinmix
from engine.tasks.task import Task
from engine.tasks.windows import DelaySum, MovingAverage, Short

TASKS = {t.name: t for t in (Adding, Recall, Sinmix, Short, MovingAverage, DelaySum, AR2, Narma10, Narma20)}

__all__ = ["TASKS", "Task", "ensemble_batch", "make_task"]


def make_task(task):
    """A registered task by its name, ValueError for an unknown one; a Task is returned as it is."""
    return task if isinstance(task, Task) else lookup("task", task, TASKS)()


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
