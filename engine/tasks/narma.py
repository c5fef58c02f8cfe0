"""Nonlinear autoregressive moving averages of channel 0; the other channels are silent."""

from dataclasses import dataclass
from math import sqrt
from typing import ClassVar

import numpy as np

from engine.tasks.task import Task, one_channel, uniform

ATTEMPTS = 100  # draws of one path; if all of them leave the bound, T is too long


@dataclass(frozen=True)
class Narma(Task):
    """z_{t+1} = a z_t + b z_t sum_{i<order} z_{t-i} + 1.5 u_{t-order+1} u_t + c for t = 0..T-1 from z_0 = 0; y = z_T.

    [TASK.narma]  z and u are 0 before t = 0, u ~ U(0, 0.5). A path that leaves `bound` is drawn again. With
    `squashed` every step ends with a tanh, and no path leaves the bound.
    """

    order: ClassVar[int]
    a: ClassVar[float]
    b: ClassVar[float]
    c: ClassVar[float]
    squashed: ClassVar[bool] = False

    @property
    def min_length(self):
        return self.order

    @property
    def bound(self):
        """The upper fixed point of the recursion without input: paths below it stay bounded."""
        if self.squashed:
            return 1.0
        linear, square = 1 - self.a, self.order * self.b
        return (linear + sqrt(linear**2 - 4 * square * self.c)) / (2 * square)

    def draw(self, rng, T, n, batch):
        u, y, redrawn = np.empty((T, batch), np.float32), np.empty(batch), 0
        open_paths = np.arange(batch)
        for _ in range(ATTEMPTS):
            drawn = uniform(rng, T, len(open_paths)) * np.float32(0.5)
            u[:, open_paths] = drawn
            y[open_paths], bounded = self.path(drawn.astype(np.float64))
            open_paths = open_paths[~bounded]
            if not len(open_paths):
                return one_channel(u, n), y, redrawn
            redrawn += len(open_paths)
        found = f"{ATTEMPTS} paths in a row left the bound {self.bound:g}"
        raise ValueError(f"task {self.name}: T = {T} is too long, {found}")

    def path(self, u):
        """z_T (batch,) of inputs u_0..u_{T-1} (T, batch), and which of the paths stayed within `bound`."""
        from engine.tasks.narma_path import narma_path  # importing numba takes 0.3 s, and other tasks do not need it

        return narma_path(u, self.order, self.a, self.b, self.c, self.squashed, self.bound)


@dataclass(frozen=True)
class Narma10(Narma):
    """The tenth-order system."""

    name = "narma10"
    order, a, b, c = 10, 0.3, 0.05, 0.1


@dataclass(frozen=True)
class Narma20(Narma):
    """The twentieth-order system, with a tanh around the whole right side."""

    name = "narma20"
    order, a, b, c = 20, 0.1, 0.04, 0.2
    squashed = True
