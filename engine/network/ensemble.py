"""The trained networks of a job: one a seed and checkpoint."""

from typing import NamedTuple

import numpy as np

from engine.cells import Cell
from engine.network.unroll import Parameters


class Networks(NamedTuple):
    """Weights of one cell, one network a seed and checkpoint."""

    cell: Cell
    parameters: Parameters  # (checkpoint, member, ...), NumPy; NaN after a training has diverged
    seeds: tuple[int, ...]  # one a member
    checkpoints: tuple[int, ...]  # iterations
    x_0: object = None  # (state,), NumPy: the state in which all begin on every sequence [NET.start]; None: 0
    direction: str | None = None  # "reverse": sequences are read from their end to their beginning

    @property
    def start(self):
        """The x_0 (member, state, batch) of `engine.network.unroll.forward`, if there is one."""
        return {} if self.x_0 is None else {"x_0": self.x_0[None, :, None]}

    def in_order(self, values, begins=None):
        """Values (step, member, row, batch) of sequences in the order in which these networks read them, NumPy.

        All sequences end at the last step, and begin after `begins` (member, batch) steps, or at once. What is in the
        networks' order is given in that of time.
        """
        if self.direction != "reverse":
            return values
        if begins is None:
            return values[::-1]
        steps = np.arange(len(values))[:, None, None]
        order = np.where(steps < begins, steps, len(values) - 1 + begins - steps)
        return np.take_along_axis(values, order[:, :, None, :], axis=0)

    def at(self, checkpoints):
        """The networks of some checkpoints; ValueError if one is missing."""
        chosen = [self.checkpoints.index(k) for k in checkpoints]
        return self._replace(parameters=Parameters(*(p[chosen] for p in self.parameters)), checkpoints=checkpoints)
