"""Update rules, one file each. A rule registered here obeys every law in tests/optimizers/test_optimizers.py."""

from dataclasses import fields

from engine.common.registry import lookup
from engine.optimizers.adam import Adam
from engine.optimizers.adamw import AdamW
from engine.optimizers.momentum import Momentum
from engine.optimizers.rmsprop import RMSprop
from engine.optimizers.rule import Rule
from engine.optimizers.sgd import SGD

OPTIMIZERS = {rule.name: rule for rule in (SGD, Momentum, RMSprop, Adam, AdamW)}

__all__ = ["OPTIMIZERS", "Rule", "make_optimizer"]


def make_optimizer(name, **options):
    """A registered update rule; ValueError for an unknown name or option, or one out of its range."""
    rule = lookup("optimizer", name, OPTIMIZERS)
    allowed = {field.name: field for field in fields(rule)}
    for option in options:
        lookup(f"option of optimizer {name}:", option, allowed)
    return rule(**options)
