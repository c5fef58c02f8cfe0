"""The training update in eager PyTorch, as a good user would write it: a module, nn.Parameter, a loop over time, SGD.

Two ways: line by line as the equations stand, a product for each weight and step; or `merged`, with the product with
the inputs taken for all steps at once and one product for candidate and gate, as in nn.GRU.
"""

import torch
from problem import GATES
from torch import nn


class Network(nn.Module):
    """A cell of engine.cells with a linear readout of the last state; weights by their names in docs/theory.md."""

    def __init__(self, name, weights, alpha, merged):
        super().__init__()
        self.name, self.alpha, self.merged = name, alpha, merged
        self.weights = nn.ParameterDict({k: nn.Parameter(torch.from_numpy(w.copy())) for k, w in weights.items()})

    def forward(self, u):
        """y_hat (batch,) from u (T, batch, n)."""
        names = [("W_r", "W_i"), *GATES.get(self.name, [])]
        pairs = [tuple(torch.atleast_2d(self.weights[name]) for name in pair) for pair in names]
        x = torch.zeros(u.shape[1], len(pairs[0][0]), dtype=u.dtype)
        if self.merged:
            recurrent, driven = (torch.cat(w).T for w in zip(*pairs, strict=True))
            rows = [len(r) for r, _ in pairs]
            for d in u @ driven:
                x = self.step(x, *torch.addmm(d, x, recurrent).split(rows, dim=1))
        else:
            for u_t in u:
                x = self.step(x, *(x @ r.T + u_t @ d.T for r, d in pairs))
        return x @ self.weights["W_o"][0]

    def step(self, x, a, s=None):
        if self.name == "plain":
            return torch.tanh(a)
        g = self.alpha if s is None else torch.sigmoid(s)
        return (1 - g) * x + g * torch.tanh(a)


def make_update(name, weights, u, y, rate, alpha, merged):
    """update() and gradient() -> {name: NumPy} of the last update; u (T, batch, n) and y (batch,) NumPy."""
    network = Network(name, weights, alpha, merged)
    optimizer = torch.optim.SGD(network.parameters(), lr=rate)
    u, y = torch.from_numpy(u), torch.from_numpy(y)

    def update():
        optimizer.zero_grad()
        loss = torch.mean((network(u) - y) ** 2)
        loss.backward()
        optimizer.step()

    def gradient():
        return {name: w.grad.numpy() for name, w in network.weights.items()}

    return update, gradient
