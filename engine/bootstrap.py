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
    """Interval of `statistic(x)`, where x is `by_seed` (..., seed) with seeds drawn again along the last axis.

    The statistic maps (..., seed) to a number; it gets arrays with axes of resamples before the last one, for all of
    which it is computed at once. Seeds in which anything is not finite, as in a training that diverged, are left out
    together with all that is paired with them. The interval is BCa; where BCa is not defined, as it is where nothing
    or too little varies, it is that of the percentiles.
    """
    sound = np.isfinite(by_seed).all(axis=tuple(range(by_seed.ndim - 1)))
    x = by_seed[..., sound]
    n = x.shape[-1]
    if n < FEWEST_SEEDS:
        return Interval(float(statistic(x)) if n else np.nan, np.nan, np.nan, n)

    def of_drawn(seeds, axis=-1):
        return statistic(x[..., seeds])

    with np.errstate(invalid="ignore", divide="ignore"), warnings.catch_warnings():
        warnings.simplefilter("ignore", DegenerateDataWarning)
        found = bootstrap(
            (np.arange(n),), of_drawn, vectorized=True, confidence_level=confidence, n_resamples=resamples, rng=rng
        )
    low, high = found.confidence_interval
    if not np.isfinite([low, high]).all():
        low, high = np.quantile(found.bootstrap_distribution, [(1 - confidence) / 2, (1 + confidence) / 2])
    return Interval(float(statistic(x)), float(low), float(high), n)
