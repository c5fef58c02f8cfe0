"""The training update of all members at once in PyTorch, as a good user would write it for a GPU: batched products.

The product with the inputs is taken for all steps at once, and candidate and gate share one product. `compiled` has the
step through torch.compile; a whole loop of 120 steps takes it minutes.
"""

import torch

GATES = {"scalar": ("w_r", "w_i"), "multi": ("V_r", "V_i")}


def make_step(name, alpha, H):
    def step(x, d, recurrent):
        p = torch.baddbmm(d, x, recurrent)
        phi = torch.tanh(p[..., :H])
        if name == "plain":
            return phi
        g = torch.sigmoid(p[..., H:]) if name in GATES else alpha
        return (1 - g) * x + g * phi

    return step


def make_update(name, weights, u, y, rate, alpha, device, compiled):
    """update() and gradient() -> {name: NumPy (member, ...)} of the last update.

    Weights by name (member, ...), u (member, T, batch, n) and y (member, batch), NumPy.
    """
    weights = {key: torch.tensor(w, device=device, requires_grad=True) for key, w in weights.items()}
    u, y = torch.tensor(u, device=device), torch.tensor(y, device=device)
    members, _, batch, _ = u.shape
    H = weights["W_r"].shape[-1]
    pairs = [("W_r", "W_i"), *([GATES[name]] if name in GATES else [])]
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
        x = torch.zeros(members, batch, H, device=device)
        for d in (u @ driven[:, None]).unbind(1):
            x = step(x, d, recurrent)
        error = (x @ weights["W_o"].mT)[..., 0] - y
        (error * error).mean(dim=1).sum().backward()
        optimizer.step()

    def gradient():
        return {key: w.grad.cpu().numpy() for key, w in weights.items()}

    return update, gradient
