"""theta <- theta - mu_k g."""

from dataclasses import dataclass


@dataclass(frozen=True)
class SGD:
    """Plain stochastic gradient descent; it keeps no state."""

    name = "sgd"

    def start(self, theta):
        return ()

    def increment(self, g, state, rate, k):
        return -rate * g

    def second_moment(self, state, k):
        """None: the rule keeps none."""
        return None
