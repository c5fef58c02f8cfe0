"""[CELL.gru_before]  h_t = z_t h_{t-1} + (1 - z_t) phi(W_i u_t + W_r (r_t * h_{t-1})), the GRU in its first form.

The reset gate scales the state, before the product. Keras has it with reset_after=False, and ONNX with
linear_before_reset=0. The gates are those of [CELL.gru]. With biases [NET.bias] the candidate has one.
"""

from dataclasses import dataclass

from engine.cells.cell import per_sample, tanh_slope
from engine.cells.hard_gates import ChosenGates
from engine.common.backend import identity, namespace


@dataclass(frozen=True)
class GRUBefore(ChosenGates):
    """[JAC.gru_before] A_t: both gates held still; B_t: how they react to the state."""

    name = "gru_before"

    @property
    def blocks(self):
        candidate, reset, update = (slice(i * self.units, (i + 1) * self.units) for i in range(3))
        return self.reads("W", candidate) | self.reads("reset", reset) | self.reads("update", update)

    def step(self, W, z):
        xp, H = namespace(z), self.units
        h, s = z[:, :H, :], W[:, H:, :] @ z
        r, _, dr = self.gate(s[:, :H, :])
        retained, g, dretained = self.gate(s[:, H:, :])
        read = xp.concat([r * h, z[:, H:, :]], axis=1)
        a = W[:, :H, :] @ read
        phi = xp.tanh(a)
        dh_da, dh_dz, dread_dr = g * tanh_slope(a), (h - phi) * dretained, h * dr
        return retained * h + g * phi, (read, r, dh_da, dh_dz, dread_dr, retained)

    def step_backward(self, W, z, tape, lam):
        xp, H = namespace(z), self.units
        read, r, dh_da, dh_dz, dread_dr, retained = tape
        delta_a = lam * dh_da
        lam_read = xp.matrix_transpose(W[:, :H, :H]) @ delta_a
        delta_s = xp.concat([lam_read * dread_dr, lam * dh_dz], axis=1)
        lam_previous = lam * retained + lam_read * r + xp.matrix_transpose(W[:, H:, :H]) @ delta_s
        return lam_previous, [(delta_a, read), (delta_s, z)]

    def step_jacobian(self, W, z):
        xp, H = namespace(z), self.units
        _, (_, r, dh_da, dh_dz, dread_dr, retained) = self.step(W, z)
        candidate, reset, update = (W[:, None, i * H : (i + 1) * H, :H] for i in range(3))
        by_read = per_sample(dh_da) * candidate
        A = by_read * xp.matrix_transpose(per_sample(r)) + per_sample(retained) * identity(z, H)
        B = by_read @ (per_sample(dread_dr) * reset) + per_sample(dh_dz) * update
        return A, B

    def log_gates(self, W, z):
        s = W[:, 2 * self.units :, :] @ z
        return self.log_gate(-s), self.log_gate(s)
