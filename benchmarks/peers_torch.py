"""The training update in eager PyTorch, as a good user would write it: a module, nn.Parameter, a loop over time, SGD.

Two ways: line by line as the equations stand, a product for each weight and step; or `merged`, with the product with
the inputs taken for all steps at once and one product for candidate and gate, as in nn.GRU. GRU and LSTM are nn.GRU and
nn.LSTM themselves.
"""

import numpy as np
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

    def gradients(self):
        """{name: NumPy}"""
        return {name: w.grad.numpy() for name, w in self.weights.items()}

    def step(self, x, a, s=None):
        if self.name == "plain":
            return torch.tanh(a)
        g = self.alpha if s is None else torch.sigmoid(s)
        return (1 - g) * x + g * torch.tanh(a)


# The blocks of rows of PyTorch's own weights, by their names here.
BLOCKS = {"gru": ("reset", "update", "W"), "lstm": ("input", "forget", "W", "output")}


class Own(nn.Module):
    """nn.GRU or nn.LSTM without biases, and the readout of the last state."""

    def __init__(self, name, weights):
        super().__init__()
        self.names = BLOCKS[name]
        recurrent, driven = (np.concatenate([weights[f"{part}_{side}"] for part in self.names]) for side in "ri")
        H, n = weights["W_i"].shape
        self.cells = {"gru": nn.GRU, "lstm": nn.LSTM}[name](n, H, bias=False)
        self.cells.weight_hh_l0.data, self.cells.weight_ih_l0.data = map(torch.from_numpy, (recurrent, driven))
        self.readout = nn.Parameter(torch.from_numpy(weights["W_o"].copy()))

    def forward(self, u):
        """y_hat (batch,) from u (T, batch, n)."""
        return self.cells(u)[0][-1] @ self.readout[0]

    def gradients(self):
        """{name: NumPy}"""
        parts = {"W_o": self.readout.grad.cpu().numpy()}
        for side, joined in (("r", self.cells.weight_hh_l0), ("i", self.cells.weight_ih_l0)):
            blocks = np.split(joined.grad.cpu().numpy(), len(self.names))
            parts |= {f"{part}_{side}": block for part, block in zip(self.names, blocks, strict=True)}
        return parts


def make_update(name, weights, u, y, rate, alpha, merged):
    """update() and gradient() -> {name: NumPy} of the last update; u (T, batch, n) and y (batch,) NumPy."""
    return update_of(Network(name, weights, alpha, merged), u, y, rate)


def make_update_of_its_own(name, weights, u, y, rate, device="cpu"):
    """As `make_update`, of PyTorch's own "gru" or "lstm", on a GPU those of cuDNN."""
    return update_of(Own(name, weights).to(device), u, y, rate, device)


def update_of(network, u, y, rate, device="cpu"):
    optimizer = torch.optim.SGD(network.parameters(), lr=rate)
    u, y = (torch.from_numpy(x).to(device) for x in (u, y))

    def update():
        optimizer.zero_grad()
        loss = torch.mean((network(u) - y) ** 2)
        loss.backward()
        optimizer.step()

    return update, network.gradients
