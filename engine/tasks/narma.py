"""Nonlinear autoregressive moving averages of channel 0."""

from dataclasses import dataclass
from typing import ClassVar

import numpy as np

from engine.tasks.task import Task, uniform

DIVERGED = 10.0  # a path that stays bounded keeps below 1 or so; past this one the square takes over for good


@dataclass(frozen=True)
class Narma(Task):
    """z_{t+1} = a z_t + b z_t sum_{i<order} z_{t-i} + 1.5 u_{t-order+1} u_t + c from z = 0, u ~ U(0, 0.5); y = z_T.

    [TASK.narma]  A path that diverges is drawn again, inputs included.
    """

    order: ClassVar[int]
    a: ClassVar[float]
    b: ClassVar[float]
    c: ClassVar[float]

    @property
    def min_length(self):
        return self.order + 1

    def draw(self, rng, T, n, batch):
        u, y, redrawn = uniform(rng, T, n, batch), np.empty(batch), 0
        open_paths = np.arange(batch)
        while True:
            u[:, 0, open_paths] *= np.float32(0.5)
            y[open_paths], sound = self.path(u[:, 0, open_paths].astype(np.float64))
            open_paths = open_paths[~sound]
            if not len(open_paths):
                return u, y, redrawn
            redrawn += len(open_paths)
            u[:, :, open_paths] = uniform(rng, T, n, len(open_paths))

    def path(self, u):
        """z_T (batch,) of inputs u_1..u_T (T, batch), and which of the paths stayed bounded."""
        from engine.tasks.narma_path import narma_path  # numba takes 0.3 s to import, which other tasks are spared

        return narma_path(u, self.order, self.a, self.b, self.c, DIVERGED)


@dataclass(frozen=True)
class Narma10(Narma):
    """The tenth-order system."""

    name = "narma10"
    order, a, b, c = 10, 0.3, 0.05, 0.1


@dataclass(frozen=True)
class Narma20(Narma):
    """The twentieth-order system."""

    name = "narma20"
    order, a, b, c = 20, 0.1, 0.04, 0.2
