"""[OPT.adam.same] Another rule, with Adam's second moments of the same gradients."""

from dataclasses import dataclass

from engine.common.backend import namespace
from engine.optimizers.adam import Adam, move_second_moment, unbiased
from engine.optimizers.rule import Rule


@dataclass(frozen=True)
class AdamBeside:
    """Makes the steps of `rule`, in its place; also keeps Adam's second moments of the gradients, without effect.

    The gradients are those of the loss, before any clipping or weight decay.
    """

    rule: Rule

    @property
    def name(self):
        return self.rule.name

    def start(self, theta):
        return namespace(theta).zeros_like(theta), *self.rule.start(theta)

    def step(self, gradient, parameters, states, rate, k):
        for g, (v, *_) in zip(gradient, states, strict=True):
            move_second_moment(v, g, Adam.beta2)
        return self.rule.step(gradient, parameters, [own for _, *own in states], rate, k)

    def second_moment(self, state, k):
        return self.rule.second_moment(state[1:], k)

    def second_moment_beside(self, state, k):
        return unbiased(state[0], Adam.beta2, k)
