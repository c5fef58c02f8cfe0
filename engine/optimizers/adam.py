"""[RULE.adam]  Adam (Kingma and Ba 2015, Algorithm 1):

m <- beta1 m + (1 - beta1) g,  v <- beta2 v + (1 - beta2) g^2,
theta <- theta - mu_k m_hat / (sqrt(v_hat) + eps),  m_hat = m / (1 - beta1^(k+1)),  v_hat = v / (1 - beta2^(k+1)).
"""

from dataclasses import dataclass

from engine.common.backend import namespace
from engine.optimizers.ranges import within
from engine.optimizers.rule import Rule


@dataclass(frozen=True)
class Adam(Rule):
    """First and second moments with bias correction."""

    beta1: float = 0.9
    beta2: float = 0.999
    eps: float = 1e-8

    name = "adam"

    def __post_init__(self):
        super().__post_init__()
        within(f"optimizer {self.name}", "beta1", self.beta1, 0, 1)
        within(f"optimizer {self.name}", "beta2", self.beta2, 0, 1)
        within(f"optimizer {self.name}", "eps", self.eps, 0, 1, low_allowed=False)

    def start(self, theta):
        zeros = namespace(theta).zeros_like
        return zeros(theta), zeros(theta)

    def increment(self, g, state, rate, k):
        m, v = state
        m *= self.beta1
        m += (1 - self.beta1) * g
        move_second_moment(v, g, self.beta2)
        v_hat = unbiased(v, self.beta2, k)
        return (-rate / (1 - self.beta1 ** (k + 1))) * m / (namespace(g).sqrt(v_hat) + self.eps)

    def second_moment(self, state, k):
        return unbiased(state[1], self.beta2, k)


def move_second_moment(v, g, beta2):
    """v <- beta2 v + (1 - beta2) g^2, in place."""
    v *= beta2
    v += (1 - beta2) * (g * g)


def unbiased(v, beta2, k):
    """v_hat after update k = 0, 1, ...: v with its bias corrected."""
    return v / (1 - beta2 ** (k + 1))
