"""What is timed: one update of a cell with H = 64, n = 6 and a batch of 64, and the arithmetic that it must do."""

import numpy as np

from engine.cells import make_cell
from engine.network.unroll import Parameters
from engine.optimizers import make_optimizer

CELLS = ("plain", "leaky", "scalar", "multi")
OTHERS = ("gru", "lstm")  # which PyTorch has as they are
# Of a cell's gates, the weights by their names in docs/theory.md: on the state, on the inputs.
GATES = {
    "scalar": [("w_r", "w_i")],
    "multi": [("V_r", "V_i")],
    "gru": [("reset_r", "reset_i"), ("update_r", "update_i")],
    "lstm": [("input_r", "input_i"), ("forget_r", "forget_i"), ("output_r", "output_i")],
}
H, INPUTS, BATCH, ALPHA, RATE = 64, 6, 64, 0.8, 1e-2
MEMBERS = 4  # of a pass, as in training


def build(name, units=H, inputs=INPUTS):
    return make_cell(name, units, inputs, **({"alpha": ALPHA} if name == "leaky" else {}))


def update_flops(cell, T, batch):
    """Of the matrix products of an update: at each step z W^T forward, delta W_x and delta^T z back."""
    rows, columns = cell.shape
    return 2 * T * batch * rows * (columns + cell.units + columns)


def sgd_update(gradient_of, parameters, u, y):
    """update() of the engine on its own copy of the parameters."""
    parameters = Parameters(*(p.copy() for p in parameters))
    rule = make_optimizer("sgd")

    def update():
        _, gradient = gradient_of(parameters, u, y)
        for p, g in zip(parameters, gradient, strict=True):
            p += rule.increment(g, (), RATE, 0)

    return update


def compare(expected, found, who):
    """Engine and peers differ by float32 rounding over T steps: by less than 1e-5 of a gradient's largest entry."""
    for weight, value in expected.items():
        error = np.abs(found[weight].reshape(value.shape) - value).max() / np.abs(value).max()
        if not error < 1e-5:
            raise AssertionError(f"{who}: the gradient by {weight} is off by {error:.1e} of its largest entry")
