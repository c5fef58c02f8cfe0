"""Verdicts of a run on each claim: supported, not supported, or mixed, by intervals over seeds.

A case is one test with one task. It HOLDS if the whole interval lies on the expected side of the threshold, is
CONTRADICTED if the whole interval lies on the other side, and UNDECIDED if the threshold is inside. It counts as
measured if FEWEST_SEEDS seeds at least, and half of the run's at least, have a value.

A claim is SUPPORTED if all of its cases hold; if some were not measured it is SUPPORTED_WHERE_MEASURED. It is MIXED if
a case holds beyond chance, with its interval widened for the number of cases (Bonferroni), and NOT_SUPPORTED otherwise.
"""

from typing import NamedTuple

import numpy as np

from engine.common.words import ALL_TASKS
from engine.verdicts.claim_cases import cases, check, statistic
from engine.verdicts.intervals import MEAN, MEDIAN, Interval, jackknife_intervals, seed_interval

FEWEST_SEEDS = 3
HOLDS, CONTRADICTED, UNDECIDED, NOT_MEASURED = "holds", "contradicted", "undecided", "not measured"
SUPPORTED, NOT_SUPPORTED, MIXED = "supported", "not supported", "mixed"
SUPPORTED_WHERE_MEASURED = "supported where measured"


class Judged(NamedTuple):
    """Outcome of a case."""

    interval: Interval
    spread: float  # standard deviation over seeds; 0 if unknown, 1 for a difference of shares
    effect_size: float  # distance of the mean from the threshold over the spread; NaN if that is 0
    outcome: str
    surely: bool  # holds with the interval widened for the number of cases
    lost: int  # seeds without a value


UNMEASURED = Judged(Interval(np.nan, np.nan, np.nan, 0), np.nan, np.nan, NOT_MEASURED, False, 0)


def evaluate(document, results, *, confidence=0.95):
    """Rows of all cases and rows of verdicts, dicts, from the claims of config/claims.yaml and Results.

    A case of the mean over tasks is added to the rows; it does not count for the verdict.
    """
    check(document)
    case_rows, verdict_rows = [], []
    for claim in document["claims"]:
        asked = [(test, list(cases(test, results))) for test in claim["tests"]]
        count = sum(case.by_seed is not None for _, found in asked for case in found)
        judged_cases = []
        for test, found in asked:
            for case, pooled in with_pooled(found):
                judged = judge(test, case.by_seed, pooled, confidence, count)
                case_rows.append(case_row(claim, test, case, judged))
                if not pooled:
                    judged_cases.append((case.task, judged))
        said = {"claim": claim["id"], "sentence": claim["sentence"], "command": missing(asked)}
        verdict_rows.append(said | verdict(judged_cases))
    return case_rows, verdict_rows


def missing(asked):
    """The commands that measure the missing cases, from (test, its cases); "" if none is missing."""
    lacking = [test for test, found in asked if any(case.by_seed is None for case in found)]
    return ", ".join(dict.fromkeys(test.get("command", "make paper") for test in lacking))


def with_pooled(found):
    """(case, False) for each case, then (case, True) for all tasks, for each choice that several tasks have."""
    yield from ((case, False) for case in found)
    for chosen in dict.fromkeys(case.chosen for case in found):
        same = [case.by_seed for case in found if case.chosen == chosen and case.by_seed is not None]
        if len(same) > 1 and len({x.shape for x in same}) == 1:
            yield type(found[0])(ALL_TASKS, chosen, np.stack(same)), True


def judge(test, by_seed, pooled, confidence, count):
    """Judged values (..., seed), with one task after the other along the first axis if `pooled`."""
    if by_seed is None:
        return UNMEASURED
    within = interval_of(test, by_seed, pooled)
    found, total = within(confidence), by_seed.shape[-1]
    measured = found.seeds >= max(FEWEST_SEEDS, total / 2)
    said = outcome(test, found) if measured else NOT_MEASURED
    surely = said == HOLDS and outcome(test, within(1 - (1 - confidence) / count)) == HOLDS
    scale = 1.0 if "share" in test else spread(by_seed.mean(axis=0) if pooled else by_seed)
    size = (found.value - test.get("than", 0)) / scale if scale else np.nan
    return Judged(found, scale, size, said, surely, total - found.seeds)


def interval_of(test, by_seed, pooled):
    """The function level -> Interval of the test's statistic, of its mean over tasks if `pooled`."""
    if "share" not in test:
        return lambda level: seed_interval(by_seed.mean(axis=0) if pooled else by_seed, level)
    of_one = statistic(test)

    def of_all(x):
        return np.mean([of_one(task) for task in x], axis=0) if pooled else of_one(x)

    return lambda level: jackknife_intervals(lambda x: of_all(x)[None], by_seed, level)[0]


def spread(by_seed):
    """Standard deviation over seeds (seed,); 0 if fewer than two have a value or one is not resolved."""
    x = by_seed[~np.isnan(by_seed)]
    return x.std(ddof=1) if len(x) > 1 and np.isfinite(x).all() else 0.0


def outcome(test, found):
    """HOLDS, CONTRADICTED or UNDECIDED for an Interval; NOT_MEASURED if it has no ends."""
    if np.isnan([found.low, found.high]).any():
        return NOT_MEASURED
    threshold, margin = test.get("than", 0), test.get("margin", 0)
    above, below = found.low > threshold + margin, found.high < threshold - margin
    inside = found.low > threshold - margin and found.high < threshold + margin
    holds, fails = {
        "greater": (found.low > threshold, found.high <= threshold),
        "less": (found.high < threshold, found.low >= threshold),
        "different": (above or below, inside or found.low == found.high == threshold),
        "within": (inside, above or below),
    }[test["direction"]]
    return HOLDS if holds else CONTRADICTED if fails else UNDECIDED


def verdict(judged_cases):
    """The verdict's columns from (task, Judged) of every case: counts, seeds, and in which tasks how many hold."""
    outcomes = [judged.outcome for _, judged in judged_cases]
    count = {kind: outcomes.count(kind) for kind in (HOLDS, CONTRADICTED, UNDECIDED, NOT_MEASURED)}
    measured = len(outcomes) - count[NOT_MEASURED]
    if not measured:
        said = NOT_MEASURED
    elif count[HOLDS] == measured:
        said = SUPPORTED_WHERE_MEASURED if count[NOT_MEASURED] else SUPPORTED
    else:
        said = MIXED if any(judged.surely for _, judged in judged_cases) else NOT_SUPPORTED
    columns = {kind.replace(" ", "_"): n for kind, n in count.items()}
    return {"verdict": said, "cases": len(outcomes), **columns, **rests_on(judged_cases), **by_task(judged_cases)}


def rests_on(judged_cases):
    """{"fewest_seeds": of a measured case, "seeds": of the run}, 0 if nothing is measured."""
    found = [judged for _, judged in judged_cases if judged.outcome != NOT_MEASURED]
    fewest = min((judged.interval.seeds for judged in found), default=0)
    return {"fewest_seeds": fewest, "seeds": max((judged.interval.seeds + judged.lost for judged in found), default=0)}


def by_task(judged_cases):
    """{"all_hold_in": tasks, ...}: where all, some and none of the measured cases hold."""
    holds = {}
    for task, judged in judged_cases:
        if judged.outcome != NOT_MEASURED:
            holds.setdefault(task, []).append(judged.outcome == HOLDS)
    kinds = {
        "all_hold_in": lambda found: all(found),
        "some_hold_in": lambda found: any(found) and not all(found),
        "none_holds_in": lambda found: not any(found),
    }
    return {key: " ".join(task for task, found in holds.items() if fits(found)) for key, fits in kinds.items()}


def case_row(claim, test, case, judged):
    """One line of the table of cases."""
    found = judged.interval
    return {
        "claim": claim["id"],
        "statistic": test["statistic"],
        "measured_in": test["source"],
        "task": case.task,
        "chosen": case.chosen,
        "direction": test["direction"],
        "threshold": test.get("than", 0),
        "margin": test.get("margin", np.nan),
        "over_seeds": MEDIAN if found.unresolved else MEAN,
        "value": found.value,
        "low": found.low,
        "high": found.high,
        "spread": float(judged.spread),
        "effect_size": float(judged.effect_size),
        "seeds": found.seeds,
        "lost": judged.lost,
        "unresolved": found.unresolved,
        "outcome": judged.outcome,
        "holds_surely": "yes" if judged.surely else "no",
    }
