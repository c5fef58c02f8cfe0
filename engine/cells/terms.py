"""Cells whose units depend on each other only through products of the state with blocks of W.

Their Jacobian has a term for each block: J_t = diag(kept) + sum_k diag(scale_k) M_k. The first term is that of the
candidate, the others say how the gates react [JAC.split].
"""

from abc import abstractmethod
from dataclasses import dataclass
from typing import NamedTuple

from engine.cells.cell import Cell, per_sample
from engine.common.backend import identity, namespace


class Terms(NamedTuple):
    """J_t = diag(kept) + sum_k diag(scale_k) M_k."""

    kept: object  # (member, unit, batch)
    scales: tuple  # (member, unit, batch) each
    matrices: tuple  # (member, H, H) each, or (member, 1, H) if it is the same for all units


@dataclass(frozen=True)
class CellOfTerms(Cell):
    """A cell with `jacobian_terms`."""

    @abstractmethod
    def jacobian_terms(self, W, z):
        """J_t as Terms."""

    def step_jacobian(self, W, z):
        kept, scales, matrices = self.jacobian_terms(W, z)
        candidate, *gates = (per_sample(s) * M[:, None, ...] for s, M in zip(scales, matrices, strict=True))
        A = candidate + per_sample(kept) * identity(z, self.units)
        return A, sum(gates[1:], gates[0]) if gates else namespace(z).zeros_like(A)
