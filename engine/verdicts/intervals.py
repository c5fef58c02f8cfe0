"""Intervals over seeds: Student's for a mean, order statistics for a median, the jackknife for all else.

A value is NaN where a seed has none, for example because its training diverged: that seed is left out, with all that
is paired with it, and counted. A value is infinite where double precision cannot resolve it, as AI is where s_r is lost
in rounding. To leave such a seed out would move the mean. So there is no mean then, and the median over all seeds takes
its place, in which these values count as larger (or smaller) than all others.

How often the intervals cover the truth: docs/numerics.md, measured by tools/coverage.py.
"""

from typing import NamedTuple

import numpy as np
from scipy.stats import quantile_test
from scipy.stats import t as student

MEAN, MEDIAN = "mean", "median"


class Interval(NamedTuple):
    """A statistic over seeds and the ends of its interval; NaN where there is none."""

    value: float
    low: float
    high: float
    seeds: int  # that it rests on
    unresolved: int = 0  # those of them whose value is infinite


class Scale(NamedTuple):
    """Where a statistic is close to normal, and the way back."""

    to: callable
    back: callable


LINEAR = Scale(lambda x: x, lambda x: x)
LOG = Scale(np.log, np.exp)
LARGEST = np.nextafter(1.0, 0.0)  # a correlation of 1 would be infinite on Fisher's scale
FISHER = Scale(lambda r: np.arctanh(np.clip(r, -LARGEST, LARGEST)), np.tanh)


def mean_interval(x, level=0.95):
    """Mean over the first axis and Student's interval for it: (mean, low, high), without what is NaN.

    From fewer than two values there is a mean and no interval; where a value is infinite, neither.
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

    It covers at least as often as `level` whatever the distribution; an end that so few seeds cannot give is infinite.
    """
    low, high = quantile_test(x, q=0, p=0.5).confidence_interval(level)
    with np.errstate(invalid="ignore"):  # of two infinities
        middle = np.median(x)
    return middle, -np.inf if np.isnan(low) else low, np.inf if np.isnan(high) else high


def seed_interval(x, level=0.95):
    """Interval of x (seed,): of the mean, or of the median where some of it is not resolved."""
    known = x[~np.isnan(x)]
    unresolved = int(np.isinf(known).sum())
    found = median_interval(known, level) if unresolved else mean_interval(known, level)
    return Interval(*map(float, found), len(known), unresolved)


def jackknife(statistics, by_seed, level=0.95, scale=LINEAR):
    """One Interval for each number that `statistics(x)` gives, where x is `by_seed` (..., seed) or some of its seeds.

    `statistics` maps (..., seed) to (number,); it gets arrays with one more axis before the last one, and gives it
    behind its own. The interval is Student's with the variance of the statistic without one seed after the other
    (Tukey 1958), taken on `scale`; of a mean it is that of `mean_interval`.
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
    """What a table says of x (seed,) by columns: mean and interval, median, how many seeds, how many not resolved.

    The mean is taken on `scale`. Where a seed is not resolved there is no mean and no interval.
    """
    known = x[~np.isnan(x)]
    with np.errstate(divide="ignore"):
        mean, low, high = (float(scale.back(end)) for end in mean_interval(scale.to(known)))
    counts = {"seeds": len(known), "unresolved": int(np.isinf(scale.to(known)).sum())}
    found = {"low": low, "high": high, "median": float(np.median(known)) if len(known) else np.nan} | counts
    return {name: mean} | {f"{name}_{key}": value for key, value in found.items()}


def said(row, name):
    """A number of a table's row, with what `columns` says of it, in three digits.

    "mean [low, high]", or the median where seeds are not resolved; and how many seeds, if not all of row["seeds"].
    """
    seeds, unresolved = (row.get(f"{name}_{key}", 0) for key in ("seeds", "unresolved"))
    if unresolved:
        return f"median {row[f'{name}_median']:.3g} ({unresolved} of {seeds} seeds not resolved)"
    low, high = (row.get(f"{name}_{end}", np.nan) for end in ("low", "high"))
    ends = f" [{low:.3g}, {high:.3g}]" if np.isfinite([low, high]).all() else ""
    count = f" ({seeds} of {row['seeds']} seeds)" if f"{name}_seeds" in row and seeds != row["seeds"] else ""
    return f"{row[name]:.3g}{ends}{count}"
