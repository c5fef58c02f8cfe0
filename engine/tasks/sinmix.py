"""Two sinusoids whose means change from the first to the last quarter."""

from dataclasses import dataclass

import numpy as np

from engine.tasks.task import Task, normal


@dataclass(frozen=True)
class Sinmix(Task):
    """y = (late - early mean of channel 0) + (early - late mean of channel 1), first and last quarter [TASK.sinmix]."""

    name = "sinmix"
    min_channels = 3

    @property
    def min_length(self):
        return 4

    def draw(self, rng, T, n, batch):
        f, p = rng.uniform(1, 7, (2, batch)), rng.uniform(0, 2 * np.pi, (2, batch))
        s = np.linspace(0, 1, T)[:, None, None]
        u = np.empty((T, n, batch), np.float32)
        u[:, :2] = np.sin(2 * np.pi * f * s + p)
        u[:, 2:-1] = normal(rng, 0.1, T, n - 3, batch)
        u[:, -1] = 0
        quarter = T // 4
        rise = u[-quarter:, :2].mean(axis=0, dtype=np.float64) - u[:quarter, :2].mean(axis=0, dtype=np.float64)
        return u, rise[0] - rise[1], 0
