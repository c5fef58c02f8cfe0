"""[TAU.coupling] Relation of time scales in parameter and state space, with intervals over seeds.

Over units it is computed within each network and averaged over seeds. Over networks it is computed from all seeds and
checkpoints of one cell, optimizer and task; the time scale of a network's gates is the mean over its units.
"""

import numpy as np

from engine.common.statistics import line_fit, rank_correlation
from engine.measures.timescales import ESTIMATORS
from engine.verdicts.intervals import FISHER, jackknife_intervals, seed_interval

OVER_UNITS = ("coupling_slope", "coupling_exponent", "coupling_rank_correlation")
ALL_CHECKPOINTS = "all"


def rows(arrays, checkpoints):
    """One dict for each estimator and checkpoint (over units) and for each estimator (over networks).

    `arrays` are those of engine.measures.gates (seed, checkpoint, ...). A network whose gradient does not decay has no
    time scale in parameter space: its seed is left out, and `..._seeds` says how many remain.
    """
    found = []
    for e, estimator in enumerate(ESTIMATORS):
        for c, checkpoint in enumerate(checkpoints):
            over = {"over": "units", "estimator": estimator, "checkpoint": checkpoint}
            found.append(over | flat(over_units(arrays, c, e)))
        over = {"over": "networks", "estimator": estimator, "checkpoint": ALL_CHECKPOINTS}
        found.append(over | flat(over_networks(arrays, e)))
    seeds = {"seeds": len(arrays["tau_state"])}
    return [row | seeds for row in found]


def over_units(arrays, c, e):
    """{column: Interval} of one checkpoint and estimator: means over seeds."""
    return {name.removeprefix("coupling_"): seed_interval(arrays[name][:, c, e]) for name in OVER_UNITS}


def over_networks(arrays, e):
    """{column: Interval} of one estimator, over the time scales of gates and of all ||G_h||."""
    pair = np.stack([arrays["tau_state"].mean(axis=2), arrays["tau_parameter"][:, :, e, 0]]).swapaxes(1, 2)
    pair = np.where((pair > 0) & np.isfinite(pair), pair, np.nan)  # (2, checkpoint, seed)
    found = {
        "slope": jackknife_intervals(slope, pair),
        "exponent": jackknife_intervals(slope, np.log(pair)),
        "rank_correlation": jackknife_intervals(correlation, pair, scale=FISHER),
    }
    return {name: interval for name, (interval,) in found.items()}


def flat(intervals):
    """{name, name_low, name_high, name_seeds, name_unresolved} of {name: Interval}."""
    ends = ("", "_low", "_high", "_seeds", "_unresolved")
    return {name + end: value for name, at in intervals.items() for end, value in zip(ends, at, strict=True)}


def slope(pair):
    """Least squares of the second on the first of `pair` (2, checkpoint, ..., seed) over checkpoints and seeds."""
    return line_fit(*points(pair))[0][None]


def correlation(pair):
    """Spearman's correlation of `pair` (2, checkpoint, ..., seed) over checkpoints and seeds."""
    return rank_correlation(*points(pair))[None]


def points(pair):
    """(2, ..., point) from (2, checkpoint, ..., seed)."""
    moved = np.moveaxis(pair, 1, -2)
    return moved.reshape(*moved.shape[:-2], -1)
