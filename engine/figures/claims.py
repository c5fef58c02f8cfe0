"""The claims of the abstract on one page: every case with its interval, beside what was expected."""

from textwrap import wrap
from typing import NamedTuple

import numpy as np

from engine.figures.style import WIDTH, mathematical, plt
from engine.verdicts.claims import (
    ALL_TASKS,
    CONTRADICTED,
    HOLDS,
    MIXED,
    NOT_MEASURED,
    NOT_SUPPORTED,
    SUPPORTED,
    UNDECIDED,
)

COLORS = {HOLDS: "#2166ac", CONTRADICTED: "#b2182b", UNDECIDED: "0.55"}
VERDICT_COLORS = {SUPPORTED: "#2166ac", NOT_SUPPORTED: "#b2182b", MIXED: "#b35806", NOT_MEASURED: "0.55"}
EXPECTED = "#e3edf5"
SIGNS = {"greater": ">", "less": "<", "different": "≠", "within": "in"}
EDGE = 60  # standard deviations; what lies farther out is drawn here
LEFT, PLOT = 2.75, 2.8  # inches: the words, the axis
HEAD, LINE, GAP = 0.15, 0.09, 0.05  # inches: a claim's name, a line of words, what parts two tests
CASE, ALL_CASES = 0.019, 4.5  # inches: one case, and all of them at most


class Head(NamedTuple):
    """The line that names a claim, from `top` to `bottom` in inches."""

    top: float
    bottom: float
    claim: object  # the row of claims.csv


class Test(NamedTuple):
    """One test with its cases below each other, from `top` to `bottom` in inches."""

    top: float
    bottom: float
    words: list
    cases: object  # rows of claim_cases.csv
    spacing: float


def claims_figure(claims, cases):
    """From claims.csv and claim_cases.csv (DataFrames): under each claim its tests, under each test one line a case.

    Cases stand at their distance from the threshold in standard deviations over seeds, the expected side to the right.
    """
    lanes = laid_out(claims, cases[(cases.task != ALL_TASKS) & (cases.outcome != NOT_MEASURED)])
    height, total = lanes[-1].bottom, lanes[-1].bottom + 0.75
    figure = plt.figure(figsize=(WIDTH, total))
    figure.set_layout_engine("none")  # its places are given in inches
    ax = figure.add_axes((LEFT / WIDTH, 0.45 / total, PLOT / WIDTH, height / total))
    ax.set(xlim=(-EDGE * 1.15, EDGE * 1.15), ylim=(height, 0), xscale="symlog", yticks=[])
    for lane in lanes:
        draw_head(ax, lane) if isinstance(lane, Head) else draw_test(ax, lane)
    ax.axvline(0, color="0.3", lw=0.6)
    ax.spines["left"].set_visible(False)
    ticks = (-50, -10, -1, 0, 1, 10, 50)
    ax.set_xticks(ticks, [f"${tick}$" for tick in ticks])
    ax.set_xlabel("distance from the threshold, standard deviations over seeds")
    figure.legend(handles=keys(), loc="upper center", ncols=4, bbox_to_anchor=(0.5, 1))
    return figure


def laid_out(claims, cases):
    """Heads and Tests from top to bottom."""
    spacing = min(CASE, ALL_CASES / max(len(cases), 1))
    lanes, top = [], 0.0
    for claim in claims.itertuples():
        lanes.append(Head(top, top + HEAD, claim))
        for statistic, rows in cases[cases.claim == claim.claim].groupby("statistic", sort=False):
            top, words = lanes[-1].bottom, wrap(statistic, 56)
            size = max(len(words) * LINE, (len(rows) + 1) * spacing) + GAP
            rows = rows.sort_values("chosen", kind="stable", na_position="first")
            lanes.append(Test(top, top + size, words, rows, spacing))
        top = lanes[-1].bottom + GAP
    return lanes


def draw_head(ax, head):
    """The name of a claim, its verdict, and how many of its cases hold."""
    y, claim = (head.top + head.bottom) / 2, head.claim
    measured = claim.cases - claim.not_measured
    style = {"transform": ax.get_yaxis_transform(), "va": "center", "fontsize": 6.5, "fontweight": "bold"}
    ax.text(-(LEFT - 0.1) / PLOT, y, claim.claim.replace("_", " "), **style)
    said = claim.verdict + (f" ({claim.holds}/{measured})" if measured else "")
    ax.text(1.01, y, said, color=VERDICT_COLORS[claim.verdict], **style)


def draw_test(ax, test):
    """The words of a test, what is expected, and its cases."""
    y = (test.top + test.bottom - GAP) / 2
    style = {"transform": ax.get_yaxis_transform(), "va": "center", "fontsize": 5.8, "linespacing": 1.05}
    ax.text(-(LEFT - 0.2) / PLOT, y, mathematical("\n".join(test.words)), color="0.2", **style)
    direction, limit = test.cases.expected.iloc[0].split(maxsplit=1)
    ax.text(1.01, y, f"{SIGNS[direction]} {mathematical(limit)}", color="0.4", **style)
    places = y + (np.arange(len(test.cases)) - (len(test.cases) - 1) / 2) * test.spacing
    value, low, high, margin = standardized(test.cases)
    shade = {"color": EXPECTED, "lw": 0, "zorder": 0}
    if direction == "within":
        ax.barh(places, 2 * margin, test.spacing, left=-margin, **shade)
    else:
        ends = places[[0, -1]] + np.array([-1, 1]) * test.spacing
        ax.fill_betweenx(ends, -EDGE if direction == "different" else 0, EDGE, **shade)
    color = [COLORS[outcome] for outcome in test.cases.outcome]
    ax.hlines(places, low, high, color=color, lw=0.6)
    ax.scatter(value, places, s=2.5, c=color, lw=0, zorder=3)


def standardized(rows):
    """Value, bounds and margin of cases in standard deviations over seeds; differences of shares as they are."""
    words = rows.expected.str.split()
    than = words.str[1].astype(float)
    margin = words.str[3].astype(float).to_numpy()
    distance = rows.value - than
    with np.errstate(divide="ignore", invalid="ignore"):
        scale = np.abs(np.where(rows.effect_size.notna() & (rows.effect_size != 0), distance / rows.effect_size, 0))
        sign = np.where(words.str[0] == "less", -1, 1)
        found = [np.clip(sign * (x - than) / scale, -EDGE, EDGE) for x in (rows.value, rows.low, rows.high)]
        return *found, np.minimum(margin / scale, EDGE)


def keys():
    """Handles of the legend."""
    lines = [plt.Line2D([], [], color=color, marker="o", ms=3, label=f"case {said}") for said, color in COLORS.items()]
    return [*lines, plt.Rectangle((0, 0), 1, 1, color=EXPECTED, label="expected")]
