"""Intervals over seeds: Student's for a mean, order statistics for a median, the jackknife for other statistics.

A value is NaN if a seed has none, for example because its training diverged: that seed is left out, with all values
paired with it, and counted. A value is infinite if double precision cannot resolve it, as AI if s_r is lost in
rounding. Leaving out such a seed would bias the mean. So the median over all seeds replaces the mean, and these values
count as larger (or smaller) than all others.

How often the intervals cover the truth: docs/numerics.md, measured by tools/coverage.py.
"""

from typing import NamedTuple

import numpy as np
from scipy.stats import quantile_test
from scipy.stats import t as student

MEAN, MEDIAN = "mean", "median"


class Interval(NamedTuple):
    """A statistic over seeds and the ends of its interval; NaN if there is none."""

    value: float
    low: float
    high: float
    seeds: int  # with a value
    unresolved: int = 0  # seeds with an infinite value


class Scale(NamedTuple):
    """A transformation to a scale on which a statistic is close to normal, and its inverse."""

    to: callable
    back: callable


LINEAR = Scale(lambda x: x, lambda x: x)
LOG = Scale(np.log, np.exp)
LARGEST = np.nextafter(1.0, 0.0)  # a correlation of 1 would be infinite on Fisher's scale
FISHER = Scale(lambda r: np.arctanh(np.clip(r, -LARGEST, LARGEST)), np.tanh)


def mean_interval(x, level=0.95):
    """Mean over the first axis and Student's interval for it: (mean, low, high), without NaN.

    The ends are NaN for fewer than two values; mean and ends are NaN if a value is infinite.
    """
    known = ~np.isnan(x)
    count = known.sum(axis=0)
    with np.errstate(invalid="ignore", divide="ignore"):
        mean = np.where(known, x, 0).sum(axis=0) / count
        variance = np.where(known, (x - mean) ** 2, 0).sum(axis=0) / (count - 1)
        half = student.ppf((1 + level) / 2, count - 1) * np.sqrt(variance / count)
        mean = np.where(np.isinf(mean), np.nan, mean)
        return mean, mean - half, mean + half


def median_interval(x, level=0.95):
    """Median of x (seed,), all of it known, and an interval of order statistics: (median, low, high).

    It covers with at least the probability `level` for any distribution; with too few seeds an end is infinite.
    """
    low, high = quantile_test(x, q=0, p=0.5).confidence_interval(level)
    with np.errstate(invalid="ignore"):  # of two infinities
        middle = np.median(x)
    return middle, -np.inf if np.isnan(low) else low, np.inf if np.isnan(high) else high


def seed_interval(x, level=0.95):
    """Interval of x (seed,): of the mean, or of the median if a value is not resolved."""
    known = x[~np.isnan(x)]
    unresolved = int(np.isinf(known).sum())
    found = median_interval(known, level) if unresolved else mean_interval(known, level)
    return Interval(*map(float, found), len(known), unresolved)


def jackknife_intervals(statistics, by_seed, level=0.95, scale=LINEAR):
    """One Interval for each number that `statistics(x)` gives, where x is `by_seed` (..., seed) or some of its seeds.

    `statistics` maps (..., seed) to (number,); it also gets arrays with one more axis before the last one, which it
    returns after its own. The interval is Student's on `scale`, with the variance of the statistic over
    subsets without one seed (Tukey 1958); for a mean it equals `mean_interval`.
    """
    x = by_seed[..., ~np.isnan(by_seed).any(axis=tuple(range(by_seed.ndim - 1)))]
    n = x.shape[-1]
    unresolved = int(np.isinf(x).any(axis=tuple(range(x.ndim - 1))).sum())
    with np.errstate(invalid="ignore", divide="ignore"):
        if n < 2:
            values = statistics(x) if n else np.full(len(statistics(by_seed)), np.nan)
            return [Interval(float(value), np.nan, np.nan, n, unresolved) for value in values]
        values = statistics(x)
        without_one = scale.to(statistics(x[..., [[j for j in range(n) if j != i] for i in range(n)]]))
        half = student.ppf((1 + level) / 2, n - 1) * np.sqrt((n - 1) * without_one.var(axis=-1))
        low, high = (scale.back(scale.to(values) + end) for end in (-half, half))
    return [Interval(*map(float, ends), n, unresolved) for ends in zip(values, low, high, strict=True)]


def columns(name, x, scale=LINEAR):
    """Columns of a table for x (seed,): mean and interval, median, number of seeds, number not resolved.

    The mean is taken on `scale`. If a seed is not resolved, mean and interval are NaN.
    """
    known = x[~np.isnan(x)]
    with np.errstate(divide="ignore"):
        mean, low, high = (float(scale.back(end)) for end in mean_interval(scale.to(known)))
    counts = {"seeds": len(known), "unresolved": int(np.isinf(scale.to(known)).sum())}
    found = {"low": low, "high": high, "median": float(np.median(known)) if len(known) else np.nan} | counts
    return {name: mean} | {f"{name}_{key}": value for key, value in found.items()}


def said(row, name):
    """A number of a table's row with its `columns`, as text with three digits.

    "mean [low, high]", or the median if seeds are not resolved; and the number of seeds, if not all of row["seeds"].
    """
    seeds, unresolved = (row.get(f"{name}_{key}", 0) for key in ("seeds", "unresolved"))
    if unresolved:
        return f"median {row[f'{name}_median']:.3g} ({unresolved} of {seeds} seeds not resolved)"
    low, high = (row.get(f"{name}_{end}", np.nan) for end in ("low", "high"))
    ends = f" [{low:.3g}, {high:.3g}]" if np.isfinite([low, high]).all() else ""
    count = f" ({seeds} of {row['seeds']} seeds)" if f"{name}_seeds" in row and seeds != row["seeds"] else ""
    return f"{row[name]:.3g}{ends}{count}"
