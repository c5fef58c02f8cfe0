"""[NET.stack]  x^l_t from x^l_{t-1} and x^{l-1}_t, l = 1..L: layers of any cells, the first of which reads the input.

The state is [x^1; ...; x^L], and the readout reads the last layer. A layer reads of the one below what a readout would,
so of an LSTM h. The weights of the layers lie below each other in W, each from the first column on; the columns that a
layer does not need are 0.
"""

from collections.abc import Iterator
from dataclasses import dataclass
from itertools import accumulate, pairwise
from typing import NamedTuple

from engine import cells
from engine.cells import by_input
from engine.cells.cell import Cell
from engine.common.backend import namespace, zeros


class LayerStep(NamedTuple):
    """One layer at one step."""

    cell: Cell
    W: object  # its rows and columns of the stack's
    z: object  # what it reads
    x: object  # its new state
    tape: object


@dataclass(frozen=True)
class Stack(Cell):
    """Several cells on top of each other, of H = `units` each.

    `layers`, from the first to the last, are names of cells or such as {"kind": "multi", "bias": True}. `bias` is for
    those that do not say it themselves. Each unit of each layer has a row of `log_gates`.
    """

    layers: tuple = ()

    name = "stack"
    options = (*Cell.options, "layers")

    def __post_init__(self):
        super().__post_init__()
        if not (isinstance(self.layers, list | tuple) and self.layers):
            raise ValueError(f"cell stack: layers = {self.layers!r}, allowed is a list of cells, such as [gru, multi]")
        made = []
        for layer in self.layers:
            kind, options = kind_and_options(layer)
            inputs = self.units if made else self.inputs
            made += cells.make_cell(kind, self.units, inputs, **({"bias": self.bias} | options)).layers
        object.__setattr__(self, "layers", tuple(made))
        object.__setattr__(self, "bias", any(layer.bias for layer in made))

    @property
    def settings(self):
        return {"layers": [{"kind": layer.name} | layer.settings for layer in self.layers]}

    @property
    def state_size(self):
        return sum(layer.state_size for layer in self.layers)

    @property
    def output(self):
        last = self.layers[-1]
        start = self.state_size - last.state_size
        return slice(start + last.output.start, start + last.output.stop)

    @property
    def memory_rows(self):
        starts = accumulate((layer.state_size for layer in self.layers), initial=0)
        return [start + row for start, layer in zip(starts, self.layers, strict=False) for row in layer.memory_rows]

    @property
    def gate_reacts(self):
        return any(layer.gate_reacts for layer in self.layers)

    @property
    def gate_for_each_unit(self):
        return all(layer.gate_for_each_unit for layer in self.layers)

    @property
    def blocks(self):
        return {
            f"layer{number}_{name}": (moved(rows, place.start), columns)
            for number, (layer, place) in enumerate(zip(self.layers, self.rows, strict=True), start=1)
            for name, (rows, columns) in layer.blocks.items()
        }

    @property
    def rows(self):
        """Rows of W of each layer."""
        return ranges(layer.shape[0] for layer in self.layers)

    def split(self, W):
        """[W^1, ..., W^L], views of W."""
        return [W[..., rows, : layer.shape[1]] for layer, rows in zip(self.layers, self.rows, strict=True)]

    def by_layer(self, W):
        return [layer.unpack(part) for layer, part in zip(self.layers, self.split(W), strict=True)]

    def states(self, x):
        """[x^1, ..., x^L] of a state, or of what is like one."""
        return [x[:, rows, :] for rows in ranges(layer.state_size for layer in self.layers)]

    def upwards(self, W, z) -> Iterator[LayerStep]:
        """The step of each layer, from the first one on."""
        xp, driven = namespace(z), self.state_size + self.inputs
        u, one = z[:, self.state_size : driven, :], z[:, driven:, :]
        for layer, part, x in zip(self.layers, self.split(W), self.states(z), strict=True):
            read = xp.concat([x, u, one] if layer.bias else [x, u], axis=1)
            found = LayerStep(layer, part, read, *layer.step(part, read))
            yield found
            u = found.x[:, layer.output, :]

    def step(self, W, z):
        steps = list(self.upwards(W, z))
        return namespace(z).concat([step.x for step in steps], axis=1), steps

    def step_backward(self, W, z, tape, lam):
        previous, pairs, above = [], [], None
        for (layer, part, read, _, layer_tape), lam_l in zip(reversed(tape), reversed(self.states(lam)), strict=True):
            if above:
                lam_l = lam_l + layer.lam_of_output(by_input.backward(*above))
            lam_previous, own = layer.step_backward(part, read, layer_tape, lam_l)
            above = layer, part, own
            previous.insert(0, lam_previous)
            pairs = [*self.filled_up(layer, own), *pairs]
        return namespace(lam).concat(previous, axis=1), pairs

    def filled_up(self, layer, pairs):
        """The pairs of a layer, and one more at the end of each of its lines where W has columns that it does not."""
        missing = self.shape[1] - layer.shape[1]
        for (_, columns), (delta, operand) in zip(by_input.places(layer, pairs), pairs, strict=True):
            yield delta, operand
            if missing and columns.stop == layer.shape[1]:
                yield delta, zeros(operand, operand.shape[0], missing, operand.shape[2])

    def step_jacobian(self, W, z):
        """Block lower triangular; in A every gate of every layer is held still."""
        xp, A, B, below = namespace(z), [], [], None
        for layer, part, read, *_ in self.upwards(W, z):
            own_A, own_B = layer.step_jacobian(part, read)
            if below:
                K_A, K_B = by_input.jacobian(layer, part, read)
                A_below, B_below = A[-1][..., below.output, :], B[-1][..., below.output, :]
                own_A = xp.concat([K_A @ A_below, own_A], axis=-1)
                own_B = xp.concat([K_A @ B_below + K_B @ (A_below + B_below), own_B], axis=-1)
            A.append(own_A)
            B.append(own_B)
            below = layer
        return triangular(A), triangular(B)

    def log_gates(self, W, z):
        xp, members, batch = namespace(z), z.shape[0], z.shape[2]
        gates = zip(*(layer.log_gates(part, read) for layer, part, read, *_ in self.upwards(W, z)), strict=True)
        shape = (members, self.units, batch)
        return tuple(xp.concat([xp.broadcast_to(log, shape) for log in logs], axis=1) for logs in gates)


def kind_and_options(layer):
    """What makes a layer, from its entry among `layers`."""
    if isinstance(layer, str):
        return layer, {}
    if isinstance(layer, dict) and isinstance(layer.get("kind"), str):
        return layer["kind"], {key: value for key, value in layer.items() if key != "kind"}
    raise ValueError(
        f"cell stack: layer {layer!r}, allowed is the name of a cell or such as {{kind: multi, bias: true}}"
    )


def ranges(sizes):
    """Slices of these sizes, one after the other."""
    return [slice(*ends) for ends in pairwise(accumulate(sizes, initial=0))]


def moved(rows, by):
    """A row or a slice of rows, further down."""
    return slice(rows.start + by, rows.stop + by) if isinstance(rows, slice) else rows + by


def triangular(rows):
    """One square matrix (..., state, state) from the rows of each layer, which are 0 after their last entry."""
    whole = zeros(rows[0], *rows[0].shape[:2], *(rows[-1].shape[-1:] * 2))
    start = 0
    for part in rows:
        whole[..., start : start + part.shape[-2], : part.shape[-1]] = part
        start += part.shape[-2]
    return whole
