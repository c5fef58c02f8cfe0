"""Intervals over seeds. Whole seeds are drawn again, so what is paired within a seed stays paired."""

import warnings
from typing import NamedTuple

import numpy as np
from scipy.stats import DegenerateDataWarning, bootstrap

FEWEST_SEEDS = 3
RESAMPLES = 2000


class Interval(NamedTuple):
    """A statistic, its bootstrap interval, and from how many seeds; NaN bounds for fewer than FEWEST_SEEDS."""

    value: float
    low: float
    high: float
    seeds: int


def interval(statistic, by_seed, rng, *, confidence=0.95, resamples=RESAMPLES):
    """Interval of a statistic that is one number; see `intervals`."""
    (found,) = intervals(lambda x: np.asarray(statistic(x))[None], by_seed, rng, confidence, resamples)
    return found


def intervals(statistics, by_seed, rng, confidence=0.95, resamples=RESAMPLES):
    """One Interval for each number that `statistics(x)` gives, where x is `by_seed` (..., seed) with seeds drawn again.

    `statistics` maps (..., seed) to (number,); it gets arrays with axes of resamples before the last one, and gives
    them behind its own. Seeds in which anything is not finite, as in a training that diverged, are left out together
    with all that is paired with them. An interval is BCa; where BCa is not defined, as it is where nothing or too
    little varies, it is that of the percentiles.
    """
    sound = np.isfinite(by_seed).all(axis=tuple(range(by_seed.ndim - 1)))
    x = by_seed[..., sound]
    n = x.shape[-1]
    with np.errstate(invalid="ignore", divide="ignore"):
        values = statistics(x) if n else np.full_like(statistics(by_seed), np.nan)
        low, high = (
            bounds(statistics, x, rng, confidence, resamples)
            if n >= FEWEST_SEEDS
            else np.full((2, *values.shape), np.nan)
        )
    return [Interval(*(float(end) for end in ends), n) for ends in zip(values, low, high, strict=True)]


def bounds(statistics, x, rng, confidence, resamples):
    """(low, high), each (number,), over whole seeds of x (..., seed)."""

    def of_drawn(seeds, axis=-1):
        return statistics(x[..., seeds])

    with warnings.catch_warnings():
        warnings.simplefilter("ignore", DegenerateDataWarning)
        found = bootstrap(
            (np.arange(x.shape[-1]),),
            of_drawn,
            vectorized=True,
            confidence_level=confidence,
            n_resamples=resamples,
            rng=rng,
        )
    bca = np.stack(found.confidence_interval)
    tails = [(1 - confidence) / 2, (1 + confidence) / 2]
    return np.where(np.isfinite(bca).all(axis=0), bca, np.quantile(found.bootstrap_distribution, tails, axis=-1))
