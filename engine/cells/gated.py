"""x_t = (1 - g_t) x_{t-1} + g_t phi(a_t): the body that the plain, leaky, scalar and multi cells share.

A cell of this family says only what its gate is: which rows of W drive it, and how the Jacobian splits [JAC.scalar],
[JAC.multi].
"""

from dataclasses import dataclass
from typing import ClassVar

from engine.cells.cell import Cell, log_sigmoid, per_sample, sigmoid
from engine.common.backend import identity, namespace, zeros


@dataclass(frozen=True)
class LearnedGate(Cell):
    """A gate g_t = sigma(s_t) with s_t = (the rows of W after the first H) @ z_t: one row, or one for each unit."""

    gate_names: ClassVar[tuple[str, str]]
    shared: ClassVar[bool]  # one gate for all units, or one for each

    @property
    def blocks(self):
        H = self.units
        x, u = slice(0, H), slice(H, H + self.inputs)
        rows = H if self.shared else slice(H, 2 * H)
        recurrent, driven = self.gate_names
        return {"W_r": (slice(0, H), x), "W_i": (slice(0, H), u), recurrent: (rows, x), driven: (rows, u)}

    def step(self, W, z):
        H = self.units
        p = W @ z
        phi = namespace(z).tanh(p[:, :H, :])
        g = sigmoid(p[:, H:, :])
        v = phi - z[:, :H, :]
        return z[:, :H, :] + g * v, (phi, g, v)

    def step_backward(self, W, z, tape, lam):
        xp = namespace(z)
        phi, g, v = tape
        lam_g = lam * g
        delta_a = lam_g * (1 - phi * phi)
        delta_g = lam_g * v
        if self.shared:
            delta_g = xp.sum(delta_g, axis=1, keepdims=True)
        delta = xp.concat([delta_a, delta_g * (1 - g)], axis=1)
        lam_previous = lam - lam_g + xp.matrix_transpose(W[:, :, : self.units]) @ delta
        return lam_previous, [(delta, z)]

    def step_jacobian(self, W, z):
        H = self.units
        p = W @ z
        phi = namespace(z).tanh(p[:, :H, :])
        # sigma(-s) is 1 - g without the cancellation of a saturated gate.
        g, retained = sigmoid(p[:, H:, :]), sigmoid(-p[:, H:, :])
        A = candidate_jacobian(W, phi, g, retained)
        B = per_sample((phi - z[:, :H, :]) * (g * retained)) * W[:, None, H:, :H]
        return A, B

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
        H = self.units
        return {"W_r": (slice(0, H), slice(0, H)), "W_i": (slice(0, H), slice(H, H + self.inputs))}

    def step(self, W, z):
        phi = namespace(z).tanh(W @ z)
        if self.alpha == 1:
            return phi, phi
        return (1 - self.alpha) * z[:, : self.units, :] + self.alpha * phi, phi

    def step_backward(self, W, z, tape, lam):
        phi = tape
        delta = (self.alpha * lam) * (1 - phi * phi)
        lam_previous = namespace(z).matrix_transpose(W[:, :, : self.units]) @ delta
        if self.alpha != 1:
            lam_previous += (1 - self.alpha) * lam
        return lam_previous, [(delta, z)]

    def step_jacobian(self, W, z):
        xp = namespace(z)
        phi = xp.tanh(W @ z)
        A = candidate_jacobian(W, phi, xp.full_like(phi, self.alpha), xp.full_like(phi, 1 - self.alpha))
        return A, xp.zeros_like(A)

    def log_gates(self, W, z):
        xp = namespace(z)
        alpha = zeros(z, z.shape[0], 1, z.shape[2]) + self.alpha
        # alpha = 1 retains nothing: log(0) = -inf is then the true value.
        retained = xp.log1p(-alpha) if self.alpha < 1 else xp.full_like(alpha, -float("inf"))
        return xp.log(alpha), retained


def candidate_jacobian(W, phi, g, retained):
    """A_t = diag(retained) + diag(g (1 - phi^2)) W_r with retained = 1 - g [JAC.leaky], (member, batch, H, H)."""
    H = phi.shape[1]
    return per_sample(g * (1 - phi * phi)) * W[:, None, :H, :H] + per_sample(retained) * identity(phi, H)
