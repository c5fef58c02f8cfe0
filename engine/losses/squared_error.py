"""||y_hat - y||^2, summed over the outputs."""

from dataclasses import dataclass

from engine.common.backend import namespace
from engine.losses.loss import Loss


@dataclass(frozen=True)
class SquaredError(Loss):
    """A target has one number for each output."""

    name = "squared_error"
    title = "squared error"

    def rows(self, outputs):
        return outputs

    def outputs(self, y):
        return y.shape[1]

    def costs_and_slopes(self, outputs, y):
        error = outputs - y
        return namespace(error).sum(error * error, axis=2), 2 * error

    def directions(self, W_o):
        return W_o
