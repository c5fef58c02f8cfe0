"""The interface of a recurrent cell: one step forward, one step back, its Jacobian and its gates."""

from abc import ABC, abstractmethod
from dataclasses import dataclass, field, fields, replace
from typing import ClassVar

import numpy as np

from engine.common.backend import namespace, zeros


@dataclass(frozen=True)
class Cell(ABC):
    """A recurrent cell of H `units` that reads n `inputs`.

    The cell's weights are one array W (member, row, H + n), so that one product W @ z with z_t = [x_{t-1}; u_t]
    (member, H + n, batch) gives every pre-activation of a step. `blocks` names the parts of W as docs/theory.md
    does. The weights of the candidate are called W_r and W_i. With `bias` z_t has one more row, which is 1, and W one
    more column, the biases [NET.bias].
    """

    units: int
    inputs: int
    bias: bool = field(default=False, kw_only=True)

    name: ClassVar[str]
    options: ClassVar[tuple[str, ...]] = ("bias",)
    gate_reacts: ClassVar[bool] = True  # to the state; where it does not, B_t = 0 [JAC.split]

    def __post_init__(self):
        if not isinstance(self.bias, bool):
            raise ValueError(f"cell {self.name}: bias = {self.bias!r}, allowed is true or false")

    @property
    def state_size(self):
        """Rows of the state x; the readout reads the first `units` of them."""
        return self.units

    @property
    def output(self):
        """The rows of the state that the readout reads, and the next layer of a stack: `units` of them."""
        return slice(0, self.units)

    @property
    def input_columns(self):
        """The columns of W that read the input."""
        return slice(self.units, self.units + self.inputs)

    @property
    def layers(self):
        """The cells that lie on top of each other in this one [NET.stack], each of H units."""
        return (self,)

    @property
    def unit_coordinates(self):
        """{dimension: values} of what has a value for each unit of each layer: they are counted through."""
        layer = np.repeat(range(1, len(self.layers) + 1), self.units)
        return {"unit": range(len(layer))} | ({"layer": layer} if len(self.layers) > 1 else {})

    @property
    def has_usual_functions(self):
        """Whether phi is tanh and gates are sigma, which is what compiled forms have."""
        return True

    @property
    def memory_rows(self):
        """The rows of the state that the gates mix, one for each unit of each layer; of an LSTM those of c."""
        return range(self.state_size - self.units, self.state_size)

    @property
    def settings(self):
        """{option: value} with which `make_cell` makes this cell again, without those left at their defaults."""
        defaults = {field.name: field.default for field in fields(self)}
        return {key: value for key in self.options if (value := getattr(self, key)) != defaults.get(key, False)}

    @property
    @abstractmethod
    def blocks(self):
        """{name: (rows, columns)}: the place in W of each weight of docs/theory.md, a slice or an int each.

        The first H rows are those of the candidate, all others those of gates.
        """

    def reads(self, gate, rows):
        """The `blocks` of some rows of W: {gate}_r reads the state, {gate}_i the input, and {gate}_b is their bias.

        The bias of the candidate, the gate W, is called b.
        """
        x, u, one = slice(0, self.units), self.input_columns, self.input_columns.stop
        biases = {"b" if gate == "W" else f"{gate}_b": (rows, one)} if self.bias else {}
        return {f"{gate}_r": (rows, x), f"{gate}_i": (rows, u)} | biases

    @abstractmethod
    def step(self, W, z):
        """x_t (member, state, batch) from z_t = [x_{t-1}; u_t], and the tape that `step_backward` needs."""

    @abstractmethod
    def step_backward(self, W, z, tape, lam):
        """One step of [BPTT]: from lambda_t (member, state, batch) to lambda_{t-1} = J_t^T lambda_t.

        Returns lambda_{t-1} and pairs delta (member, row, batch), operand (member, column, batch). The products
        delta @ operand^T are the blocks of this step's part of dL/dW in row-major order: blocks fill the columns of W
        from left to right, then the next rows begin.
        """

    @abstractmethod
    def step_jacobian(self, W, z):
        """The two parts A_t, B_t of J_t = dx_t/dx_{t-1} [JAC.split], each (member, batch, state, state)."""

    @abstractmethod
    def log_gates(self, W, z):
        """log g_t and log(1 - g_t), each (member, units of all layers or 1, batch), accurate in saturation too.

        The candidate enters with the share g_t, and the state is retained with the share 1 - g_t. A cell that has one
        gate for each of them gives the logs of both.
        """

    def lam_of_output(self, lam):
        """lambda of the whole state (member, state, batch) from that of its `output` rows."""
        if self.state_size == self.units:
            return lam
        members, _, batch = lam.shape
        before, after = self.output.start, self.state_size - self.output.stop
        parts = [zeros(lam, members, before, batch), lam, zeros(lam, members, after, batch)]
        return namespace(lam).concat(parts, axis=1)

    @property
    def gate_for_each_unit(self):
        """Whether `log_gates` has a row for each unit."""
        two = replace(self, units=2)
        W, z = np.zeros((1, *two.shape)), np.zeros((1, two.state_size + two.inputs + two.bias, 1))
        return two.log_gates(W, z)[0].shape[1] == two.units

    @property
    def shape(self):
        """Shape (rows, columns) of W."""
        sides = zip(*self.blocks.values(), strict=True)
        return tuple(max(part + 1 if isinstance(part, int) else part.stop for part in side) for side in sides)

    @property
    def is_weight(self):
        """(row, column) of bool: which entries of W are weights. A GRU with biases has others, a stack, too; all 0."""
        found = np.zeros(self.shape, bool)
        for view in self.unpack(found).values():
            view[...] = True
        return found

    @property
    def weights(self):
        """Number of weights."""
        return int(self.is_weight.sum())

    def unpack(self, W):
        """{name: view of W}: the weights by their names in docs/theory.md, with the leading axes of W kept."""
        return {name: W[..., rows, columns] for name, (rows, columns) in self.blocks.items()}

    def by_layer(self, W):
        """[{name: view of W}]: as `unpack`, for each of the `layers`, with the names that it would have alone."""
        return [self.unpack(W)]

    def pack(self, weights):
        """W from the weights by name; the inverse of `unpack`."""
        name, first = next(iter(weights.items()))
        lead = first.shape[: first.ndim - sum(isinstance(part, slice) for part in self.blocks[name])]
        W = zeros(first, *lead, *self.shape)
        for name, (rows, columns) in self.blocks.items():
            W[..., rows, columns] = weights[name]
        return W


def gate(s):
    """g = sigma(s) and 1 - g = sigma(-s), each to full relative accuracy, also if the other is close to 1."""
    xp = namespace(s)
    with np.errstate(over="ignore"):  # 1 / infinity is the correct 0
        return 1 / (1 + xp.exp(-s)), 1 / (1 + xp.exp(s))


def tanh(a):
    """phi(a), unless a cell has another one."""
    return namespace(a).tanh(a)


def tanh_slope(a):
    """phi'(a) = 1 / cosh(a)^2, to full relative accuracy; 1 - phi(a)^2 cancels for large |a|."""
    with np.errstate(over="ignore"):
        cosh = namespace(a).cosh(a)
        return 1 / (cosh * cosh)


def relu(a):
    """max(a, 0)"""
    xp = namespace(a)
    return xp.where(a > 0, a, xp.zeros_like(a))


def relu_slope(a):
    """The derivative of `relu`; at 0 it is 0, as in PyTorch."""
    xp = namespace(a)
    return xp.where(a > 0, xp.ones_like(a), xp.zeros_like(a))


def log_sigmoid(s):
    """log sigma(s) without cancellation or underflow."""
    xp = namespace(s)
    return -xp.logaddexp(xp.zeros_like(s), -s)


def per_sample(x):
    """(member, unit, batch) -> (member, batch, unit, 1): ready to scale the rows of a Jacobian."""
    return namespace(x).matrix_transpose(x)[..., None]
