"""The trained networks of a job: one a seed and checkpoint."""

from typing import NamedTuple

from engine.cells import Cell
from engine.network.unroll import Parameters


class Networks(NamedTuple):
    """One network a seed and checkpoint."""

    cell: Cell
    parameters: Parameters  # (checkpoint, member, ...), NumPy; NaN where a training had diverged
    seeds: tuple[int, ...]  # one a member
    checkpoints: tuple[int, ...]  # iterations

    def at(self, checkpoints):
        """The networks of some of the checkpoints; ValueError for one that is not there."""
        chosen = [self.checkpoints.index(k) for k in checkpoints]
        return self._replace(parameters=Parameters(*(p[chosen] for p in self.parameters)), checkpoints=checkpoints)
