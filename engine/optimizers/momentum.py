"""[RULE.momentum]  v <- beta v + g,  theta <- theta - mu_k v  (Polyak's heavy ball, as in PyTorch, no dampening)."""

from dataclasses import dataclass

from engine.common.backend import namespace
from engine.optimizers.ranges import within
from engine.optimizers.rule import Rule


@dataclass(frozen=True)
class Momentum(Rule):
    """SGD with momentum `beta`."""

    beta: float = 0.9

    name = "momentum"

    def __post_init__(self):
        super().__post_init__()
        within("optimizer momentum", "beta", self.beta, 0, 1)

    def start(self, theta):
        return (namespace(theta).zeros_like(theta),)

    def increment(self, g, state, rate, k):
        (v,) = state
        v *= self.beta
        v += g
        return -rate * v
