"""Nonlinear autoregressive moving averages of channel 0."""

from dataclasses import dataclass
from typing import ClassVar

import numpy as np

from engine.tasks.task import Task, uniform

DIVERGED = 10.0  # a path that stays bounded keeps below 1 or so; past this one the square takes over for good


@dataclass(frozen=True)
class Narma(Task):
    """z_{t+1} = a z_t + b z_t sum_{i<order} z_{t-i} + 1.5 u_{t-order+1} u_t + c from z = 0, u ~ U(0, 0.5); y = z_T.

    A path that diverges is drawn again, inputs and all.
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
        T, batch = u.shape
        order = self.order
        # `order` zeros in front stand for the times before the first: row order - 1 + t is time t.
        z, past = np.zeros((order + T, batch)), np.concatenate([np.zeros((order, batch)), u])
        with np.errstate(over="ignore", invalid="ignore"):
            for t in range(order, order + T - 1):
                window = z[t - order + 1 : t + 1].sum(axis=0)
                z[t + 1] = self.a * z[t] + self.b * z[t] * window + 1.5 * past[t - order + 1] * past[t] + self.c
            sound = (np.abs(z) < DIVERGED).all(axis=0)
        return z[-1], sound


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
