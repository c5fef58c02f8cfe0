"""[OPT.adam.same] Another rule, with Adam's second moments of the same gradients."""

from dataclasses import dataclass

from engine.common.backend import namespace
from engine.optimizers.adam import Adam, move_second_moment, unbiased
from engine.optimizers.rule import Rule


@dataclass(frozen=True)
class AdamBeside(Rule):
    """Makes the steps of `rule`; also keeps Adam's second moments, which do not change the steps."""

    rule: Rule

    @property
    def name(self):
        return self.rule.name

    def start(self, theta):
        return namespace(theta).zeros_like(theta), *self.rule.start(theta)

    def increment(self, g, state, rate, k):
        v, *own = state
        move_second_moment(v, g, Adam.beta2)
        return self.rule.increment(g, own, rate, k)

    def second_moment(self, state, k):
        return self.rule.second_moment(state[1:], k)

    def second_moment_beside(self, state, k):
        return unbiased(state[0], Adam.beta2, k)
