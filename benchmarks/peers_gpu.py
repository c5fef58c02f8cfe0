"""The training update of all members at once in PyTorch, as a good user would write it for a GPU: batched products.

The product with the inputs is taken for all steps at once, and candidate and gate share one product. `compiled` has the
step through torch.compile; a whole loop of 120 steps takes it minutes.
"""

import torch
from problem import GATES


def make_step(name, alpha, H):
    """From the state, its product with the inputs d and the recurrent weights: the state, whose first part is read."""

    def leaky(state, d, recurrent):
        (x,), p = state, torch.baddbmm(d, state[0], recurrent)
        phi = torch.tanh(p[..., :H])
        if name == "plain":
            return (phi,)
        g = torch.sigmoid(p[..., H:]) if name in GATES else alpha
        return ((1 - g) * x + g * phi,)

    def gru(state, d, recurrent):
        (h,), p = state, state[0] @ recurrent
        r, z = torch.sigmoid(p[..., H:] + d[..., H:]).chunk(2, dim=-1)
        return (z * h + (1 - z) * torch.tanh(d[..., :H] + r * p[..., :H]),)

    def lstm(state, d, recurrent):
        p = torch.baddbmm(d, state[0], recurrent)
        i, f, o = torch.sigmoid(p[..., H:]).chunk(3, dim=-1)
        c = f * state[1] + i * torch.tanh(p[..., :H])
        return o * torch.tanh(c), c

    return {"gru": gru, "lstm": lstm}.get(name, leaky)


def make_update(name, weights, u, y, rate, alpha, device, compiled):
    """update() and gradient() -> {name: NumPy (member, ...)} of the last update.

    Weights by name (member, ...), u (member, T, batch, n) and y (member, batch), NumPy.
    """
    weights = {key: torch.tensor(w, device=device, requires_grad=True) for key, w in weights.items()}
    u, y = torch.tensor(u, device=device), torch.tensor(y, device=device)
    members, _, batch, _ = u.shape
    H = weights["W_r"].shape[-1]
    pairs = [("W_r", "W_i"), *GATES.get(name, [])]
    step = make_step(name, alpha, H)
    if compiled:
        step = torch.compile(step)
    optimizer = torch.optim.SGD(weights.values(), lr=rate)

    def update():
        optimizer.zero_grad()
        recurrent, driven = (
            torch.cat([weights[pair[side]].reshape(members, -1, width) for pair in pairs], dim=1).mT
            for side, width in ((0, H), (1, u.shape[-1]))
        )
        state = (torch.zeros(members, batch, H, device=device),) * (2 if name == "lstm" else 1)
        for d in (u @ driven[:, None]).unbind(1):
            state = step(state, d, recurrent)
        error = (state[0] @ weights["W_o"].mT)[..., 0] - y
        (error * error).mean(dim=1).sum().backward()
        optimizer.step()

    def gradient():
        return {key: w.grad.cpu().numpy() for key, w in weights.items()}

    return update, gradient
