"""The interface of a task: inputs and targets of a batch."""

from abc import ABC, abstractmethod
from dataclasses import dataclass
from typing import ClassVar

import numpy as np

from engine.losses.squared_error import SquaredError


@dataclass(frozen=True)
class Task(ABC):
    """Draws sequences with their targets, and says by which loss they are compared with how many outputs.

    Inputs are drawn in float32, which float64 holds exactly, so that a batch is the same in both; targets are computed
    in float64.
    """

    name: ClassVar[str]
    min_channels: ClassVar[int] = 1
    has_targets: ClassVar[bool] = True
    outputs: ClassVar[int] = 1
    loss = SquaredError()  # without a type, so that a dataclass can have it as a field

    def __str__(self):
        return self.name

    @property
    def min_length(self):
        """The shortest T for which the task is defined."""
        return 2

    def check(self, T, n):
        """Raises ValueError if T or n is too small for the task."""
        for key, found, least in (("T", T, self.min_length), ("n", n, self.min_channels)):
            if found < least:
                raise ValueError(f"task {self.name}: {key} = {found} is too small, allowed is {least} or more")

    def starts(self, rng, batch):
        """How the sequences begin that `draw` gives for the same `rng`.

        {} where all begin at the first step in the state 0; else x_0 (state, batch) or `begins` (batch,), the steps
        before each of them begins.
        """
        return {}

    @abstractmethod
    def draw(self, rng, T, n, batch):
        """Draws a batch: inputs u (T, n, batch) float32, targets y float64, number of redrawn paths.

        y is (batch,) where the loss reads one number of a sequence, else (step, row, batch), see engine.losses.
        """


def uniform(rng, *shape):
    """U(0, 1) in float32."""
    return rng.random(shape, dtype=np.float32)


def normal(rng, scale, *shape):
    """N(0, scale^2) in float32."""
    return rng.standard_normal(shape, dtype=np.float32) * np.float32(scale)


def one_channel(values, n):
    """Inputs (T, n, batch) with `values` (T, batch) in channel 0; the others are silent, exactly 0."""
    T, batch = values.shape
    u = np.zeros((T, n, batch), values.dtype)
    u[:, 0] = values
    return u
