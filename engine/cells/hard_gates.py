"""Gates that are straight lines between 0 and 1, g = min(max(slope s + 1/2, 0), 1), in place of sigma(s)."""

from dataclasses import dataclass, field
from numbers import Real

import numpy as np

from engine.cells.cell import Cell, gate, log_sigmoid
from engine.common.backend import namespace


@dataclass(frozen=True)
class ChosenGates(Cell):
    """A cell whose gates may be straight: `hard_gates` is their slope, 0.2 in Keras 1 and 2, 1/6 in Keras 3."""

    hard_gates: float | bool = field(default=False, kw_only=True)
    options = (*Cell.options, "hard_gates")

    def __post_init__(self):
        super().__post_init__()
        if self.hard_gates is not False and not (isinstance(self.hard_gates, Real) and 0 < self.hard_gates < 1):
            allowed = "allowed is false or a slope between 0 and 1, such as 0.2"
            raise ValueError(f"cell {self.name}: hard_gates = {self.hard_gates!r}, {allowed}")

    @property
    def has_usual_functions(self):
        return not self.hard_gates

    def gate(self, s):
        """g, 1 - g and dg/ds."""
        if not self.hard_gates:
            g, shut = gate(s)
            return g, shut, g * shut
        xp, line = namespace(s), self.hard_gates * s + 0.5
        inside = (line > 0) & (line < 1)
        return self.hard(s), self.hard(-s), xp.where(inside, self.hard_gates * xp.ones_like(s), xp.zeros_like(s))

    def log_gate(self, s):
        """log g; minus infinity where a hard gate is shut."""
        if not self.hard_gates:
            return log_sigmoid(s)
        with np.errstate(divide="ignore"):
            return namespace(s).log(self.hard(s))

    def hard(self, s):
        """A hard gate."""
        xp, line = namespace(s), self.hard_gates * s + 0.5
        return xp.where(line > 1, xp.ones_like(s), xp.where(line < 0, xp.zeros_like(s), line))
