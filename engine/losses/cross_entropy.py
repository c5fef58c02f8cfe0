"""-log softmax(y_hat)_c of the class c: how unlikely the network holds what is right."""

from dataclasses import dataclass

import numpy as np

from engine.common.backend import like, namespace
from engine.losses.loss import Loss


@dataclass(frozen=True)
class CrossEntropy(Loss):
    """A target is the number of a class, 0..m-1 for m outputs."""

    name = "cross_entropy"
    title = "cross-entropy"

    def rows(self, outputs):
        return 1

    def outputs(self, y):
        if y.shape[1] > 1:
            raise ValueError(f"y has {y.shape[1]} numbers for each step, and a step has one class")
        if (wrong := y[(y < 0) | (y != np.floor(y))]).size:
            raise ValueError(f"y has {wrong[0]:g}, and a class is a whole number from 0 on")
        return max(2, int(y.max()) + 1)

    def costs_and_slopes(self, outputs, y):
        """From d_j = y_hat_j - y_hat_c of the other classes j, which keeps all digits where p_c is near 1.

        With s = sum_j exp(d_j) the cost is log(1 + s), p_j = exp(d_j) / (1 + s) and p_c - 1 = -sum_j p_j.
        """
        xp = namespace(outputs)
        right = y == like(outputs, np.arange(float(outputs.shape[2])))[:, None]
        d = xp.where(right, -xp.inf, outputs - xp.sum(xp.where(right, outputs, 0), axis=2, keepdims=True))
        scale = xp.clip(xp.max(d, axis=2, keepdims=True), 0, None)
        terms = xp.exp(d - scale)
        s = xp.sum(terms, axis=2, keepdims=True)
        p = terms / (xp.exp(-scale) + s)
        costs = scale + xp.log1p(xp.expm1(-scale) + s)
        return costs[:, :, 0, :], xp.where(right, -xp.sum(p, axis=2, keepdims=True), p)

    def directions(self, W_o):
        """The same added to all outputs changes nothing."""
        return W_o - namespace(W_o).mean(W_o, axis=1, keepdims=True)
