"""[CELL.gru]  h_t = z_t h_{t-1} + (1 - z_t) phi(W_i u_t + r_t * (W_r h_{t-1})), the gated recurrent unit.

The convention is that of PyTorch's nn.GRU and of cuDNN: the reset gate r_t = sigma(reset_r h_{t-1} +
reset_i u_t) scales the product W_r h_{t-1}, not h_{t-1}, and the update gate z_t = sigma(update_r h_{t-1} +
update_i u_t) is the share that is retained. So the gate g_t, the share of the candidate that enters, is 1 - z_t, and
the retention 1 - g_t is z_t.

With biases [NET.bias] the candidate is phi(W_i u_t + b + r_t * (W_r h_{t-1} + b_h)). b_h reads no row of z_t: it has a
column of W of its own, the last, which is 0 in the rows of the gates.
"""

from dataclasses import dataclass

from engine.cells.cell import gate, log_sigmoid, tanh_slope
from engine.cells.terms import CellOfTerms, Terms
from engine.common.backend import namespace


@dataclass(frozen=True)
class GRU(CellOfTerms):
    """Two gates a unit. [JAC.gru] A_t: both gates held still; B_t: how they react to the state."""

    name = "gru"

    @property
    def blocks(self):
        H = self.units
        candidate, reset, update = (slice(i * H, (i + 1) * H) for i in range(3))
        inside = {"b_h": (candidate, H + self.inputs + 1)} if self.bias else {}
        return self.reads("W", candidate) | inside | self.reads("reset", reset) | self.reads("update", update)

    def step(self, W, z):
        xp, H = namespace(z), self.units
        h = z[:, :H, :]
        q, d, s = self.products(W, z)
        r, closed = gate(s[:, :H, :])
        retained, g = gate(s[:, H:, :])
        a = d + r * q
        phi, dh_da = xp.tanh(a), g * tanh_slope(a)
        dh_dq = dh_da * r
        dh_ds = xp.concat([dh_dq * closed * q, (h - phi) * (g * retained)], axis=1)
        return retained * h + g * phi, (dh_da, dh_dq, dh_ds, retained)

    def products(self, W, z):
        """q = W_r h + b_h, d = W_i u + b, and the pre-activations of both gates below each other."""
        H, read = self.units, z.shape[1]
        recurrent, driven = W[:, :, :H] @ z[:, :H, :], W[:, :, H:read] @ z[:, H:, :]
        q = recurrent[:, :H, :]
        return q + W[:, :H, read:] if self.bias else q, driven[:, :H, :], recurrent[:, H:, :] + driven[:, H:, :]

    def step_backward(self, W, z, tape, lam):
        xp, H = namespace(z), self.units
        dh_da, dh_dq, dh_ds, retained = tape
        h, u = z[:, :H, :], z[:, H:, :]
        delta_q, delta_s = lam * dh_dq, xp.concat([lam, lam], axis=1) * dh_ds
        delta = xp.concat([delta_q, delta_s], axis=1)
        lam_previous = lam * retained + xp.matrix_transpose(W[:, :, :H]) @ delta
        if not self.bias:
            return lam_previous, [(delta_q, h), (lam * dh_da, u), (delta_s, z)]
        one = z[:, -1:, :]
        return lam_previous, [(delta_q, h), (lam * dh_da, u), (delta_q, one), (delta_s, z), (delta_s, 0 * one)]

    def jacobian_terms(self, W, z):
        """[JAC.gru]"""
        H = self.units
        _, (_, dh_dq, dh_ds, retained) = self.step(W, z)
        matrices = tuple(W[:, i * H : (i + 1) * H, :H] for i in range(3))
        return Terms(retained, (dh_dq, dh_ds[:, :H, :], dh_ds[:, H:, :]), matrices)

    def log_gates(self, W, z):
        s = W[:, 2 * self.units :, : z.shape[1]] @ z
        return log_sigmoid(-s), log_sigmoid(s)
