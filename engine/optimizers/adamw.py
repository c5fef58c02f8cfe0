"""[RULE.adamw]  Adam with decoupled weight decay (Loshchilov and Hutter 2019):

theta <- theta - mu_k lambda theta, beside the step of Adam, whose moments know nothing of lambda.
"""

from dataclasses import dataclass

from engine.optimizers.adam import Adam


@dataclass(frozen=True)
class AdamW(Adam):
    """Adam, with `weight_decay` beside its steps."""

    name = "adamw"

    def step(self, gradient, parameters, states, rate, k):
        steps = super().step(gradient, parameters, states, rate, k)
        shrink = rate * self.weight_decay
        return [step - shrink * theta for step, theta in zip(steps, parameters, strict=True)]

    def with_decay(self, gradient, parameters):
        return gradient
