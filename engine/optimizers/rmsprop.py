"""[RULE.rmsprop]  v <- rho v + (1 - rho) g^2,  theta <- theta - mu_k g / (sqrt(v) + eps)

(Tieleman and Hinton 2012; rho and eps as in PyTorch).
"""

from dataclasses import dataclass

from engine.common.backend import namespace
from engine.optimizers.ranges import within
from engine.optimizers.rule import Rule


@dataclass(frozen=True)
class RMSprop(Rule):
    """Steps scaled by a running mean of squared gradients, without bias correction."""

    rho: float = 0.99
    eps: float = 1e-8

    name = "rmsprop"

    def __post_init__(self):
        super().__post_init__()
        within("optimizer rmsprop", "rho", self.rho, 0, 1)
        within("optimizer rmsprop", "eps", self.eps, 0, 1, low_allowed=False)

    def start(self, theta):
        return (namespace(theta).zeros_like(theta),)

    def increment(self, g, state, rate, k):
        (v,) = state
        v *= self.rho
        v += (1 - self.rho) * (g * g)
        return -rate * g / (namespace(g).sqrt(v) + self.eps)

    def second_moment(self, state, k):
        return state[0]
