"""[RULE.schedule]  How a learning rate changes over training: a factor of the base rate for update k = 0..K-1."""

import math
from inspect import signature

from engine.common.registry import lookup
from engine.optimizers.ranges import within


def constant(k, K):
    """1 throughout."""
    return 1.0


def step(k, K, factor=0.1, every=0.5):
    """Multiplied by `factor` after each fraction `every` of the updates."""
    within("schedule step", "factor", factor, 0, 1, low_allowed=False, high_allowed=True)
    within("schedule step", "every", every, 0, 1, low_allowed=False, high_allowed=True)
    return factor ** (k // as_updates(every, K))


def exponential(k, K, final=0.01):
    """Geometric decay that would reach `final` at k = K."""
    within("schedule exponential", "final", final, 0, 1, low_allowed=False, high_allowed=True)
    return final ** (k / K)


def cosine(k, K, final=0.0):
    """Half a cosine from 1 to `final`, reached at k = K (Loshchilov and Hutter 2017, without restarts)."""
    within("schedule cosine", "final", final, 0, 1, high_allowed=True)
    return final + (1 - final) * (1 + math.cos(math.pi * k / K)) / 2


def warmup(k, K, fraction=0.1):
    """Linear rise to 1 over the first `fraction` of the updates, then constant."""
    within("schedule warmup", "fraction", fraction, 0, 1, high_allowed=True)
    return min(1.0, (k + 1) / as_updates(fraction, K))


def as_updates(fraction, K):
    """Number of updates, at least 1, in a fraction of K; rounded, because 0.07 * 100 is not 7 in floating point."""
    return max(1, round(fraction * K))


SCHEDULES = {f.__name__: f for f in (constant, step, exponential, cosine, warmup)}


def make_schedule(updates, name="constant", **options):
    """k -> factor of the base rate over `updates` updates.

    Raises ValueError for an unknown name or option; the factor raises it for an option out of its range.
    """
    schedule = lookup("schedule", name, SCHEDULES)
    allowed = dict.fromkeys(list(signature(schedule).parameters)[2:])
    for option in options:
        lookup(f"option of schedule {name}:", option, allowed)
    return lambda k: schedule(k, updates, **options)
