"""x_t = (1 - g_t) x_{t-1} + g_t phi(a_t): base classes of the plain, leaky, scalar and multi cells.

A cell of this family defines its gate: which rows of W drive it. Its Jacobian follows [JAC.scalar], [JAC.multi].
"""

from dataclasses import dataclass
from typing import ClassVar

from engine.cells.cell import Cell, gate, log_sigmoid, per_sample, tanh_slope
from engine.common.backend import identity, namespace, zeros


@dataclass(frozen=True)
class LearnedGate(Cell):
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

    def step_jacobian(self, W, z):
        H = self.units
        _, (dx_da, dx_ds, retained) = self.step(W, z)
        return candidate_jacobian(W, dx_da, retained), per_sample(dx_ds) * W[:, None, H:, :H]

    def log_gates(self, W, z):
        s = W[:, self.units :, :] @ z
        return log_sigmoid(s), log_sigmoid(-s)


@dataclass(frozen=True)
class ConstantGate(Cell):
    """A gate that is the constant alpha in (0, 1]; its Jacobian has no second part, B_t = 0."""

    alpha: float = 1.0
    gate_reacts: ClassVar[bool] = False

    @property
    def blocks(self):
        return self.reads("W", slice(0, self.units))

    def step(self, W, z):
        a = W @ z
        phi, dx_da = namespace(z).tanh(a), self.alpha * tanh_slope(a)
        if self.alpha == 1:
            return phi, dx_da
        return (1 - self.alpha) * z[:, : self.units, :] + self.alpha * phi, dx_da

    def step_backward(self, W, z, tape, lam):
        delta = lam * tape
        lam_previous = namespace(z).matrix_transpose(W[:, :, : self.units]) @ delta
        if self.alpha != 1:
            lam_previous += (1 - self.alpha) * lam
        return lam_previous, [(delta, z)]

    def step_jacobian(self, W, z):
        xp = namespace(z)
        _, dx_da = self.step(W, z)
        A = candidate_jacobian(W, dx_da, xp.full_like(dx_da, 1 - self.alpha))
        return A, xp.zeros_like(A)

    def log_gates(self, W, z):
        xp = namespace(z)
        alpha = zeros(z, z.shape[0], 1, z.shape[2]) + self.alpha
        # alpha = 1 retains nothing: log(0) = -inf is the correct value.
        retained = xp.log1p(-alpha) if self.alpha < 1 else xp.full_like(alpha, -float("inf"))
        return xp.log(alpha), retained


def candidate_jacobian(W, dx_da, retained):
    """A_t = diag(1 - g) + diag(g (1 - phi^2)) W_r [JAC.leaky], (member, batch, H, H)."""
    H = dx_da.shape[1]
    return per_sample(dx_da) * W[:, None, :H, :H] + per_sample(retained) * identity(dx_da, H)
