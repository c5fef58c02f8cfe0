"""[CELL.gru]  h_t = z_t h_{t-1} + (1 - z_t) phi(W_i u_t + r_t * (W_r h_{t-1})), the gated recurrent unit.

The convention is that of PyTorch's nn.GRU and of cuDNN, without biases: the reset gate r_t = sigma(reset_r h_{t-1} +
reset_i u_t) scales the product W_r h_{t-1}, not h_{t-1}, and the update gate z_t = sigma(update_r h_{t-1} +
update_i u_t) is the share that is retained. So the gate g_t, the share of the candidate that enters, is 1 - z_t, and
the retention 1 - g_t is z_t.
"""

from dataclasses import dataclass

from engine.cells.cell import Cell, log_sigmoid, per_sample, sigmoid, sigmoid_slope
from engine.common.backend import identity, namespace


@dataclass(frozen=True)
class GRU(Cell):
    """Two gates a unit. [JAC.gru] A_t: both gates held still; B_t: how they react to the state."""

    name = "gru"

    @property
    def blocks(self):
        H = self.units
        h, u = slice(0, H), slice(H, H + self.inputs)
        candidate, reset, update = (slice(i * H, (i + 1) * H) for i in range(3))
        return {
            "W_r": (candidate, h),
            "W_i": (candidate, u),
            "reset_r": (reset, h),
            "reset_i": (reset, u),
            "update_r": (update, h),
            "update_i": (update, u),
        }

    def step(self, W, z):
        H = self.units
        h = z[:, :H, :]
        q, d, s = self.products(W, z)
        r, g = sigmoid(s[:, :H, :]), sigmoid(-s[:, H:, :])
        phi = namespace(z).tanh(d + r * q)
        return h + g * (phi - h), (q, r, g, phi)

    def products(self, W, z):
        """q = W_r h, d = W_i u, and the pre-activations of both gates below each other."""
        H = self.units
        recurrent, driven = W[:, :, :H] @ z[:, :H, :], W[:, :, H:] @ z[:, H:, :]
        return recurrent[:, :H, :], driven[:, :H, :], recurrent[:, H:, :] + driven[:, H:, :]

    def step_backward(self, W, z, tape, lam):
        xp, H = namespace(z), self.units
        q, r, g, phi = tape
        h, u = z[:, :H, :], z[:, H:, :]
        lam_g = lam * g
        delta_a = lam_g * (1 - phi * phi)
        delta_q = delta_a * r
        delta_gates = xp.concat([delta_q * q * (1 - r), -lam_g * (phi - h) * (1 - g)], axis=1)
        delta = xp.concat([delta_q, delta_gates], axis=1)
        lam_previous = lam - lam_g + xp.matrix_transpose(W[:, :, :H]) @ delta
        return lam_previous, [(delta_q, h), (delta_a, u), (delta_gates, z)]

    def step_jacobian(self, W, z):
        H = self.units
        h = z[:, :H, :]
        q, d, s = self.products(W, z)
        s_r, s_z = s[:, :H, :], s[:, H:, :]
        r, g = sigmoid(s_r), sigmoid(-s_z)
        phi = namespace(z).tanh(d + r * q)
        candidate, reset, update = (W[:, None, i * H : (i + 1) * H, :H] for i in range(3))
        through = g * (1 - phi * phi)
        A = per_sample(through * r) * candidate + per_sample(sigmoid(s_z)) * identity(z, H)
        B = per_sample(through * q * sigmoid_slope(s_r)) * reset - per_sample((phi - h) * sigmoid_slope(s_z)) * update
        return A, B

    def log_gates(self, W, z):
        s = W[:, 2 * self.units :, :] @ z
        return log_sigmoid(-s), log_sigmoid(s)
