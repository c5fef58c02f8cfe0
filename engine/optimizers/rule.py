"""What every update rule offers."""

from abc import ABC, abstractmethod
from dataclasses import dataclass
from typing import ClassVar


@dataclass(frozen=True)
class Rule(ABC):
    """How a gradient becomes a step. Its options are the fields of the dataclass."""

    name: ClassVar[str]

    @abstractmethod
    def start(self, theta):
        """What the rule keeps between updates, before the first one: a tuple of arrays like theta."""

    @abstractmethod
    def increment(self, g, state, rate, k):
        """What update k = 0, 1, ... adds to theta for gradient g; changes the state in place."""

    def second_moment(self, state, k):
        """The running mean of squared gradients that update k is scaled by; None for a rule that keeps none."""
        return None

    def second_moment_beside(self, state, k):
        """Adam's v_hat after update k where the rule keeps it without using it (`AdamBeside`); else None."""
        return None
