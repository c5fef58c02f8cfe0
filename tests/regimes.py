"""Small networks of any cell where trained ones live: weights weak or strong, gates and candidates saturated."""

from dataclasses import dataclass

import numpy as np
from conftest import ALL_CELLS, small_cell

from engine.network.unroll import Parameters


@dataclass(frozen=True)
class Regime:
    """Weights are `gain` times U(-1, 1)/sqrt(H); the arguments of gates and candidates lie near +- what is named."""

    gain: float = 1
    gates: float = 0
    candidates: float = 0
    rank_one: bool = False


REGIMES = {
    "weights times 1e-3": Regime(gain=1e-3),
    "as they start": Regime(),
    "gain 3": Regime(gain=3),
    "gain 5": Regime(gain=5),
    "gates at 10": Regime(gates=10),
    "gates at 36": Regime(gates=36),
    "gates at 50": Regime(gates=50),
    "candidates at 20": Regime(candidates=20),
    "candidates at 50": Regime(candidates=50),
    "both saturated": Regime(gates=50, candidates=20),
    "no weights": Regime(gain=0),
    "W_r of rank 1": Regime(rank_one=True),
}
# A cell whose gate is a constant has no gates to saturate. A stack takes long, and is made of other cells: a few.
CASES = [
    (cell, name)
    for cell in ALL_CELLS
    for name, regime in REGIMES.items()
    if not regime.gates or small_cell(cell).gate_reacts
    if not cell.startswith("stack") or name in ("gain 3", "both saturated", "no weights")
]


def network(cell, regime, T=4, batch=1):
    """Parameters, inputs u and targets y of one member; the last input is always 1, and drives into saturation."""
    rng = np.random.default_rng(0)
    W = regime.gain * rng.uniform(-1, 1, (1, *cell.shape)) * cell.units**-0.5
    for weights in cell.by_layer(W):
        for name, part in weights.items():
            if name.endswith("_i"):
                at = regime.candidates if name == "W_i" else regime.gates
                part[..., -1] += at * rng.choice([-1, 1], part.shape[:-1])
        if regime.rank_one:
            weights["W_r"][...] = rng.standard_normal((cell.units, 1)) * rng.standard_normal(cell.units)
    u = rng.standard_normal((T, 1, cell.inputs, batch))
    u[:, :, -1] = 1
    return Parameters(W, rng.standard_normal((1, 1, cell.units))), u, rng.standard_normal((1, batch))
