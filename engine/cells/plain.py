"""[CELL.plain]  x_t = phi(W_r x_{t-1} + W_i u_t)."""

from dataclasses import dataclass, field

from engine.cells.gated import ConstantGate


@dataclass(frozen=True)
class Plain(ConstantGate):
    """A leaky cell with alpha = 1."""

    name = "plain"
    alpha: float = field(default=1.0, init=False)
