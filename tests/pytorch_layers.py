"""Layers of PyTorch by the equations of its manual, on weights as it stacks them."""

import numpy as np

from engine.network.unroll import forward, readout

H, N, T, BATCH = 5, 3, 7, 4
GATES = {"plain": 1, "gru": 3, "lstm": 4}


def state_dict(kind, module="rnn.", layer="_l0", dtype="float64", biases=False, inputs=N):
    """Weights as nn.RNN, nn.GRU or nn.LSTM and a linear readout keep them."""
    rng, rows = np.random.default_rng(7), GATES[kind] * H
    shapes = {f"{module}weight_ih{layer}": (rows, inputs), f"{module}weight_hh{layer}": (rows, H), "fc.weight": (1, H)}
    if biases:
        shapes |= {f"{module}bias_{side}{layer}": (rows,) for side in ("ih", "hh")} | {"fc.bias": (1,)}
    return {name: rng.normal(size=shape).astype(dtype) for name, shape in shapes.items()}


def sigma(s):
    return 1 / (1 + np.exp(-s))


# One step for one sequence, as the pages of nn.RNN, nn.GRU and nn.LSTM have it, biases included.
def rnn_step(w_ih, w_hh, b_ih, b_hh, x, state):
    return (np.tanh(w_ih @ x + b_ih + w_hh @ state[0] + b_hh),)


def gru_step(w_ih, w_hh, b_ih, b_hh, x, state):
    (h,) = state
    i_r, i_z, i_n = np.split(w_ih @ x + b_ih, 3)
    h_r, h_z, h_n = np.split(w_hh @ h + b_hh, 3)
    r, z = sigma(i_r + h_r), sigma(i_z + h_z)
    n = np.tanh(i_n + r * h_n)
    return ((1 - z) * n + z * h,)


def lstm_step(w_ih, w_hh, b_ih, b_hh, x, state):
    h, c = state
    i, f, g, o = np.split(w_ih @ x + b_ih + w_hh @ h + b_hh, 4)
    c = sigma(f) * c + sigma(i) * np.tanh(g)
    return sigma(o) * np.tanh(c), c


STEPS = {"plain": rnn_step, "gru": gru_step, "lstm": lstm_step}


def pytorch_outputs(kind, state, u, module="rnn.", layers=("_l0",)):
    """y_hat (batch,) for inputs u (T, n, batch) by the equations of the manual."""
    for layer in layers:
        u = pytorch_states(kind, state, u, module, layer)
    return state["fc.weight"][0] @ u[-1] + state.get("fc.bias", np.zeros(1))[0]


def pytorch_states(kind, state, u, module, layer):
    """h_t (T, H, batch) of a layer for what it reads, (T, n, batch)."""
    w_ih, w_hh = (state[f"{module}weight_{side}{layer}"] for side in ("ih", "hh"))
    nothing = np.zeros(len(w_ih))
    b_ih, b_hh = (state.get(f"{module}bias_{side}{layer}", nothing) for side in ("ih", "hh"))
    states = np.zeros((len(u), H, u.shape[2]))
    for b in range(u.shape[2]):
        carried = (np.zeros(H), np.zeros(H))[: 2 if kind == "lstm" else 1]
        for t, x in enumerate(u[:, :, b]):
            carried = STEPS[kind](w_ih, w_hh, b_ih, b_hh, x, carried)
            states[t, :, b] = carried[0]
    return states


def our_outputs(imported, u):
    cell, (W, W_o) = imported[:2]
    return readout(cell, W_o, forward(cell, W, u[:, None]).x_T)[0, 0]


def inputs():
    return np.random.default_rng(8).normal(size=(T, N, BATCH))
