"""x_t = (1 - g_t) x_{t-1} + g_t phi(a_t): base classes of the plain, leaky, scalar and multi cells.

A cell of this family defines its gate: which rows of W drive it. Its Jacobian follows [JAC.scalar], [JAC.multi].
"""

from dataclasses import dataclass, field
from typing import ClassVar

from engine.cells.cell import Cell, gate, log_sigmoid, relu, relu_slope, tanh, tanh_slope
from engine.cells.terms import CellOfTerms, Terms
from engine.common.backend import namespace, zeros


@dataclass(frozen=True)
class LearnedGate(CellOfTerms):
    """A gate g_t = sigma(s_t) with s_t = (the rows of W after the first H) @ z_t: one row, or one for each unit."""

    gate_name: ClassVar[str]
    shared: ClassVar[bool]  # one gate for all units, or one for each

    @property
    def blocks(self):
        H = self.units
        return self.reads("W", slice(0, H)) | self.reads(self.gate_name, H if self.shared else slice(H, 2 * H))

    def step(self, W, z):
        H = self.units
        x, p = z[:, :H, :], W @ z
        a, s = p[:, :H, :], p[:, H:, :]
        phi = namespace(z).tanh(a)
        g, retained = gate(s)
        dx_da, dx_ds = g * tanh_slope(a), (phi - x) * (g * retained)
        return retained * x + g * phi, (dx_da, dx_ds, retained)

    def step_backward(self, W, z, tape, lam):
        xp = namespace(z)
        dx_da, dx_ds, retained = tape
        delta_s = lam * dx_ds
        if self.shared:
            delta_s = xp.sum(delta_s, axis=1, keepdims=True)
        delta = xp.concat([lam * dx_da, delta_s], axis=1)
        lam_previous = lam * retained + xp.matrix_transpose(W[:, :, : self.units]) @ delta
        return lam_previous, [(delta, z)]

    def jacobian_terms(self, W, z):
        """[JAC.scalar], [JAC.multi]"""
        H = self.units
        _, (dx_da, dx_ds, retained) = self.step(W, z)
        return Terms(retained, (dx_da, dx_ds), (W[:, :H, :H], W[:, H:, :H]))

    def log_gates(self, W, z):
        s = W[:, self.units :, :] @ z
        return log_sigmoid(s), log_sigmoid(-s)


NONLINEARITIES = {"tanh": (tanh, tanh_slope), "relu": (relu, relu_slope)}


@dataclass(frozen=True)
class ConstantGate(CellOfTerms):
    """A gate that is the constant alpha in (0, 1]; its Jacobian has no second part, B_t = 0.

    phi is the `nonlinearity`, one of NONLINEARITIES.
    """

    alpha: float = 1.0
    nonlinearity: str = field(default="tanh", kw_only=True)
    options = (*Cell.options, "nonlinearity")
    gate_reacts: ClassVar[bool] = False

    def __post_init__(self):
        super().__post_init__()
        if self.nonlinearity not in NONLINEARITIES:
            allowed = " or ".join(NONLINEARITIES)
            raise ValueError(f"cell {self.name}: nonlinearity = {self.nonlinearity!r}, allowed is {allowed}")

    @property
    def has_usual_functions(self):
        return self.nonlinearity == "tanh"

    @property
    def blocks(self):
        return self.reads("W", slice(0, self.units))

    def step(self, W, z):
        a = W @ z
        phi, slope = (function(a) for function in NONLINEARITIES[self.nonlinearity])
        dx_da = self.alpha * slope
        if self.alpha == 1:
            return phi, dx_da
        return (1 - self.alpha) * z[:, : self.units, :] + self.alpha * phi, dx_da

    def step_backward(self, W, z, tape, lam):
        delta = lam * tape
        lam_previous = namespace(z).matrix_transpose(W[:, :, : self.units]) @ delta
        if self.alpha != 1:
            lam_previous += (1 - self.alpha) * lam
        return lam_previous, [(delta, z)]

    def jacobian_terms(self, W, z):
        """[JAC.leaky]"""
        _, dx_da = self.step(W, z)
        return Terms(namespace(z).full_like(dx_da, 1 - self.alpha), (dx_da,), (W[:, :, : self.units],))

    def log_gates(self, W, z):
        xp = namespace(z)
        alpha = zeros(z, z.shape[0], 1, z.shape[2]) + self.alpha
        # alpha = 1 retains nothing: log(0) = -inf is the correct value.
        retained = xp.log1p(-alpha) if self.alpha < 1 else xp.full_like(alpha, -float("inf"))
        return xp.log(alpha), retained
