"""[CELL.lstm]  c_t = f_t c_{t-1} + i_t phi(W_r h_{t-1} + W_i u_t),  h_t = o_t phi(c_t), long short-term memory.

The convention is that of PyTorch's nn.LSTM, without projections: i_t = sigma(input_r h_{t-1} + input_i u_t),
and so for forget and output; no peepholes. The state is x_t = [h_t; c_t], of 2H rows, and the readout reads h. The
gates mix the memory c, so the gate g_t, the share of the candidate that enters, is the input gate i_t, and the
retention is the forget gate f_t. These are two gates: unlike elsewhere the retention is not 1 - g_t.
"""

from dataclasses import dataclass

from engine.cells.cell import per_sample, tanh_slope
from engine.cells.hard_gates import ChosenGates
from engine.common.backend import identity, namespace, zeros


@dataclass(frozen=True)
class LSTM(ChosenGates):
    """Three gates a unit. [JAC.lstm] A_t: the gates held still; B_t: how they react to h. W has no columns for c."""

    name = "lstm"

    @property
    def state_size(self):
        return 2 * self.units

    @property
    def blocks(self):
        H = self.units
        candidate, entry, forget, output = (slice(i * H, (i + 1) * H) for i in range(4))
        gates = self.reads("input", entry) | self.reads("forget", forget) | self.reads("output", output)
        return self.reads("W", candidate) | gates

    def parts(self, z):
        """[h_{t-1}; u_t], which W reads, and c_{t-1}."""
        H = self.units
        return namespace(z).concat([z[:, :H, :], z[:, 2 * H :, :]], axis=1), z[:, H : 2 * H, :]

    def step(self, W, z):
        xp, H = namespace(z), self.units
        read, c = self.parts(z)
        p = W @ read
        a, s_i, s_f, s_o = (p[:, k * H : (k + 1) * H, :] for k in range(4))
        phi, (i, _, di), (f, _, df), (o, _, do) = xp.tanh(a), self.gate(s_i), self.gate(s_f), self.gate(s_o)
        c_new = f * c + i * phi
        phi_c = xp.tanh(c_new)
        dc = i * tanh_slope(a), phi * di, c * df, f  # by a, s_i, s_f and c_{t-1}
        dh = phi_c * do, o * tanh_slope(c_new)  # by s_o and c_t
        return xp.concat([o * phi_c, c_new], axis=1), (read, dc, dh)

    def step_backward(self, W, z, tape, lam):
        xp, H = namespace(z), self.units
        read, (dc_da, dc_di, dc_df, f), (dh_do, dh_dc) = tape
        lam_h = lam[:, :H, :]
        lam_c = lam[:, H:, :] + lam_h * dh_dc
        delta = xp.concat([lam_c * dc_da, lam_c * dc_di, lam_c * dc_df, lam_h * dh_do], axis=1)
        lam_previous = xp.concat([xp.matrix_transpose(W[:, :, :H]) @ delta, lam_c * f], axis=1)
        return lam_previous, [(delta, read)]

    def step_jacobian(self, W, z):
        xp, H = namespace(z), self.units
        _, (_, dc, dh) = self.step(W, z)
        (dc_da, dc_di, dc_df, f), (dh_do, dh_dc) = (map(per_sample, parts) for parts in (dc, dh))
        candidate, entry, forget, output = (W[:, None, k * H : (k + 1) * H, :H] for k in range(4))
        through_h, through_c = dc_da * candidate, f * identity(z, H)
        mixing = dc_di * entry + dc_df * forget
        reading = dh_dc * mixing + dh_do * output
        nothing = zeros(z, *mixing.shape)
        A = stacked(xp, [[dh_dc * through_h, dh_dc * through_c], [through_h, through_c]])
        return A, stacked(xp, [[reading, nothing], [mixing, nothing]])

    def log_gates(self, W, z):
        H = self.units
        s = W[:, H : 3 * H, :] @ self.parts(z)[0]
        return self.log_gate(s[:, :H, :]), self.log_gate(s[:, H:, :])


def stacked(xp, blocks):
    """One matrix (..., 2H, 2H) from two rows of two blocks."""
    return xp.concat([xp.concat(row, axis=-1) for row in blocks], axis=-2)
