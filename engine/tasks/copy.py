"""Symbols that are to be said again after a delay: a classification at several steps."""

from dataclasses import dataclass

import numpy as np

from engine.losses.cross_entropy import CrossEntropy
from engine.tasks.task import Task


@dataclass(frozen=True)
class Copy(Task):
    """[TASK.copy]  The first `length` steps show one of `alphabet` symbols each, the last ones ask for them in order.

    A symbol is 1 in the channel of its number. The last channel is 1 while symbols are asked for; all else is 0.
    """

    length: int = 5
    alphabet: int = 3

    name = "copy"

    @property
    def loss(self):
        return CrossEntropy(self.length)

    @property
    def outputs(self):
        return self.alphabet

    @property
    def min_channels(self):
        return self.alphabet + 1

    @property
    def min_length(self):
        return 2 * self.length

    def draw(self, rng, T, n, batch):
        symbols = rng.integers(0, self.alphabet, (self.length, batch))
        u = np.zeros((T, n, batch), np.float32)
        np.put_along_axis(u[: self.length], symbols[:, None], 1, axis=1)
        u[T - self.length :, -1] = 1
        return u, symbols[:, None].astype(np.float64), 0
