"""Tasks with a 0/1 mask in the last channel: the target is the sum of channel 0 at the marks."""

from dataclasses import dataclass

import numpy as np

from engine.tasks.task import Task, uniform


def marked(rng, T, n, marks):
    """The batch of `draw` from the times of its marks (mark, batch)."""
    batch = marks.shape[1]
    column = np.arange(batch)
    u = uniform(rng, T, n, batch)
    u[:, -1] = 0
    u[marks, -1, column] = 1
    return u, u[marks, 0, column].astype(np.float64).sum(axis=0), 0


@dataclass(frozen=True)
class Adding(Task):
    """[TASK.adding]  Two marks, one in [0, T/2) and one in [T/2, T)."""

    name = "adding"
    min_channels = 2

    def draw(self, rng, T, n, batch):
        half = (T + 1) // 2  # the first whole time that is not below T/2
        marks = np.stack([rng.integers(0, half, batch), rng.integers(half, T, batch)])
        return marked(rng, T, n, marks)


@dataclass(frozen=True)
class Recall(Task):
    """[TASK.recall]  `K` distinct marks in the first floor(T/3) steps."""

    K: int = 5

    name = "recall"
    min_channels = 2

    @property
    def min_length(self):
        return 3 * self.K

    def draw(self, rng, T, n, batch):
        marks = np.argsort(rng.random((T // 3, batch)), axis=0)[: self.K]
        return marked(rng, T, n, marks)
