"""The interface of an update rule."""

from abc import ABC, abstractmethod
from dataclasses import dataclass
from typing import ClassVar


@dataclass(frozen=True)
class Rule(ABC):
    """Turns a gradient into a step. Its options are the fields of the dataclass; theta is W or W_o, (member, ...)."""

    name: ClassVar[str]

    @abstractmethod
    def start(self, theta):
        """The state of the rule before the first update: a tuple of arrays shaped like theta."""

    @abstractmethod
    def increment(self, g, state, rate, k):
        """The step that update k = 0, 1, ... adds to theta, from the gradient g; both shaped like theta.

        Changes `state` in place; `rate` is the step size mu_k."""

    def second_moment(self, state, k):
        """The running mean of squared gradients that scales update k, shaped like theta; None if the rule has none."""
        return None

    def second_moment_beside(self, state, k):
        """Adam's v_hat after update k if the rule keeps it without using it (`AdamBeside`); else None."""
        return None
