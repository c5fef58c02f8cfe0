"""[CELL.leaky]  x_t = (1 - alpha) x_{t-1} + alpha phi(a_t), alpha in (0, 1] constant."""

from dataclasses import dataclass
from numbers import Real

from engine.cells.gated import ConstantGate


@dataclass(frozen=True)
class Leaky(ConstantGate):
    """A leaky integrator; raises ValueError where alpha is outside (0, 1]."""

    name = "leaky"
    options = (*ConstantGate.options, "alpha")

    def __post_init__(self):
        super().__post_init__()
        if not (isinstance(self.alpha, Real) and 0 < self.alpha <= 1):
            raise ValueError(f"cell leaky: alpha = {self.alpha!r}, allowed is 0 < alpha <= 1")
