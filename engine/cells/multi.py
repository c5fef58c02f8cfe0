"""[CELL.multi]  g_t = sigma(V_r x_{t-1} + V_i u_t): a gate for each unit."""

from dataclasses import dataclass

from engine.cells.gated import LearnedGate


@dataclass(frozen=True)
class Multi(LearnedGate):
    """H learned gates; J = diag(1-g) + diag(g) D W_r + diag((phi - x) g (1-g)) V_r  [JAC.multi]."""

    name = "multi"
    gate_name = "V"
    shared = False
