"""[RULE.sgd]  theta <- theta - mu_k g."""

from dataclasses import dataclass

from engine.optimizers.rule import Rule


@dataclass(frozen=True)
class SGD(Rule):
    """Plain stochastic gradient descent; it keeps no state."""

    name = "sgd"

    def start(self, theta):
        return ()

    def increment(self, g, state, rate, k):
        return -rate * g
