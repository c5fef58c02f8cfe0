"""[CELL.scalar]  g_t = sigma(w_r . x_{t-1} + w_i . u_t): one gate for all units."""

from dataclasses import dataclass

from engine.cells.gated import LearnedGate


@dataclass(frozen=True)
class Scalar(LearnedGate):
    """One learned gate in (0, 1); J = (1-g) I + g D W_r + (phi - x)(g(1-g) w_r)^T  [JAC.scalar]."""

    name = "scalar"
    gate_name = "w"
    shared = True
