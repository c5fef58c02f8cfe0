"""The trained networks of a job: one a seed and checkpoint."""

from typing import NamedTuple

from engine.cells import Cell
from engine.network.unroll import Parameters


class Networks(NamedTuple):
    """Weights of one cell, one network a seed and checkpoint."""

    cell: Cell
    parameters: Parameters  # (checkpoint, member, ...), NumPy; NaN after a training has diverged
    seeds: tuple[int, ...]  # one a member
    checkpoints: tuple[int, ...]  # iterations
    x_0: object = None  # (state,), NumPy: the state in which all begin on every sequence [NET.start]; None: 0

    @property
    def start(self):
        """The x_0 (member, state, batch) of `engine.network.unroll.forward`, if there is one."""
        return {} if self.x_0 is None else {"x_0": self.x_0[None, :, None]}

    def at(self, checkpoints):
        """The networks of some checkpoints; ValueError if one is missing."""
        chosen = [self.checkpoints.index(k) for k in checkpoints]
        return self._replace(parameters=Parameters(*(p[chosen] for p in self.parameters)), checkpoints=checkpoints)
