"""The interface of an update rule, and what every rule can do to the gradient first.

[RULE.clip]  g <- g min(1, c / |g|), |g| over all weights of a member (Pascanu et al. 2013).
[RULE.decay]  g <- g + lambda theta, after the clipping, as in PyTorch.
"""

from abc import ABC, abstractmethod
from dataclasses import dataclass, field
from math import inf
from typing import ClassVar

from engine.common.backend import namespace
from engine.optimizers.ranges import within


@dataclass(frozen=True)
class Rule(ABC):
    """Turns a gradient into a step. Its options are the fields of the dataclass; theta is W or W_o, (member, ...).

    Every rule has the options `clip`, the largest norm of a gradient, and `weight_decay`, lambda; both are off.
    """

    clip: float = field(default=inf, kw_only=True)
    weight_decay: float = field(default=0.0, kw_only=True)

    name: ClassVar[str]

    def __post_init__(self):
        within(f"optimizer {self.name}", "clip", self.clip, 0, inf, low_allowed=False, high_allowed=True)
        within(f"optimizer {self.name}", "weight_decay", self.weight_decay, 0, inf)

    @abstractmethod
    def start(self, theta):
        """The state of the rule before the first update: a tuple of arrays shaped like theta."""

    @abstractmethod
    def increment(self, g, state, rate, k):
        """The step that update k = 0, 1, ... adds to theta, from the gradient g; both shaped like theta.

        Changes `state` in place; `rate` is the step size mu_k."""

    def step(self, gradient, parameters, states, rate, k):
        """What update k adds to each array of `parameters`: the increments, after [RULE.clip] and [RULE.decay]."""
        used = self.with_decay(clipped(gradient, self.clip), parameters)
        return [self.increment(g, state, rate, k) for g, state in zip(used, states, strict=True)]

    def with_decay(self, gradient, parameters):
        """The gradient of the loss + lambda |theta|^2 / 2."""
        if not self.weight_decay:
            return gradient
        return [g + self.weight_decay * theta for g, theta in zip(gradient, parameters, strict=True)]

    def second_moment(self, state, k):
        """The running mean of squared gradients that scales update k, shaped like theta; None if the rule has none."""
        return None

    def second_moment_beside(self, state, k):
        """Adam's v_hat after update k if the rule keeps it without using it (`AdamBeside`); else None."""
        return None


def clipped(gradient, largest):
    """The arrays (member, row, column) of a gradient; those of a member are scaled down to the norm `largest`."""
    if largest == inf:
        return gradient
    norm = member_norm(gradient)
    xp = namespace(norm)
    scale = xp.where(norm > largest, largest / xp.where(norm > 0, norm, 1), 1)
    return [g * xp.astype(scale, g.dtype) for g in gradient]


def member_norm(gradient):
    """|g| (member, 1, 1) over all arrays; in float64, because squares of float32 overflow."""
    xp = namespace(gradient[0])
    squares = (xp.sum(xp.astype(g, xp.float64) ** 2, axis=(1, 2), keepdims=True) for g in gradient)
    return xp.sqrt(sum(squares))
