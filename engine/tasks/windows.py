"""Tasks whose target is a sum or mean of channel 0 near the end of the sequence."""

from dataclasses import dataclass

import numpy as np

from engine.tasks.task import Task, one_channel, uniform


@dataclass(frozen=True)
class Short(Task):
    """[TASK.short]  Sum over the last `window` steps; the last channel, a mask elsewhere, is 0."""

    window: int = 6

    name = "short"
    min_channels = 2

    @property
    def min_length(self):
        return self.window

    def draw(self, rng, T, n, batch):
        u = uniform(rng, T, n, batch)
        u[:, -1] = 0
        return u, u[-self.window :, 0].sum(axis=0, dtype=np.float64), 0


@dataclass(frozen=True)
class MovingAverage(Task):
    """[TASK.movingavg]  Mean over the last `window` steps; the channels other than 0 are silent."""

    window: int = 8

    name = "movingavg"

    @property
    def min_length(self):
        return self.window

    def draw(self, rng, T, n, batch):
        u = one_channel(uniform(rng, T, batch), n)
        return u, u[-self.window :, 0].mean(axis=0, dtype=np.float64), 0


@dataclass(frozen=True)
class DelaySum(Task):
    """[TASK.delaysum]  Mean over the times T-1-d (counted from 0), d in `delays`; channels other than 0 are silent."""

    delays: tuple[int, ...] = (4, 12, 24, 36)

    name = "delaysum"

    @property
    def min_length(self):
        return max(self.delays) + 1

    def draw(self, rng, T, n, batch):
        u = one_channel(uniform(rng, T, batch), n)
        return u, u[T - 1 - np.asarray(self.delays), 0].mean(axis=0, dtype=np.float64), 0
