"""The claims of the abstract on one page: every case with its interval and the expected side."""

from textwrap import wrap
from typing import NamedTuple

import numpy as np

from engine.common.words import ALL_TASKS, data_label
from engine.figures.style import WIDTH, mathematical, plt
from engine.verdicts.claims import (
    CONTRADICTED,
    HOLDS,
    MIXED,
    NOT_MEASURED,
    NOT_SUPPORTED,
    SUPPORTED,
    SUPPORTED_WHERE_MEASURED,
    UNDECIDED,
)

COLORS = {HOLDS: "#2166ac", CONTRADICTED: "#b2182b", UNDECIDED: "0.55"}
VERDICT_COLORS = {
    SUPPORTED: "#2166ac",
    SUPPORTED_WHERE_MEASURED: "#67a9cf",
    NOT_SUPPORTED: "#b2182b",
    MIXED: "#b35806",
    NOT_MEASURED: "0.55",
}
SHORT = {SUPPORTED_WHERE_MEASURED: SUPPORTED}  # beside the cases that were measured
EXPECTED = "#e3edf5"
SIGNS = {"greater": ">", "less": "<", "different": "≠", "within": "in"}
EDGE = 60  # standard deviations; what lies farther out is drawn here
LEFT, PLOTS = 2.75, 3.45  # inches: the words of a test, all axes
PARTING = 0.1  # inches between two axes
HEAD, LINE, GAP = 0.15, 0.09, 0.05  # inches: a claim's name, a line of words, what parts two tests
CASE, ALL_CASES = 0.019, 4.5  # inches: one case, and all of them at most
AXIS = "distance from the threshold, standard deviations over seeds"


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

    Cases are drawn at their distance from the threshold in standard deviations over seeds, the expected side to the
    right. One axis for each kind of training data that the verdicts are about.
    """
    names = [column.removeprefix("verdict_") for column in claims if column.startswith("verdict_")]
    lanes = laid_out(claims, cases[(cases.task != ALL_TASKS) & (cases.outcome != NOT_MEASURED)], len(names))
    height, total = lanes[-1].bottom, lanes[-1].bottom + 1.0
    figure = plt.figure(figsize=(WIDTH, total))
    figure.set_layout_engine("none")  # its places are given in inches
    width = (PLOTS + PARTING) / len(names) - PARTING
    for i, data in enumerate(names):
        left = LEFT + i * (width + PARTING)
        ax = figure.add_axes((left / WIDTH, 0.55 / total, width / WIDTH, height / total))
        ax.set(xlim=(-EDGE * 1.15, EDGE * 1.15), ylim=(height, 0), xscale="symlog", yticks=[])
        for lane in lanes:
            draw_verdict(ax, lane, data) if isinstance(lane, Head) else draw_cases(ax, lane, data)
        ax.axvline(0, color="0.3", lw=0.6, zorder=0.5)
        ax.spines["left"].set_visible(False)
        ticks = (-50, -10, -1, 0, 1, 10, 50) if len(names) == 1 else (-10, -1, 0, 1, 10)
        ax.set_xticks(ticks, [f"${tick}$" for tick in ticks])
        ax.set_title(data_label(data), fontsize=7)
        ax.set_xlabel("\n".join(wrap(AXIS, 40 * width / 1.7)), fontsize=6)
        if i == 0:
            draw_words(ax, lanes, width)
    draw_expected(ax, lanes)
    figure.legend(handles=keys(), loc="upper center", ncols=4, bbox_to_anchor=(0.5, 1))
    return figure


def laid_out(claims, cases, columns):
    """Heads and Tests from top to bottom; the cases are spread over some columns."""
    spacing = min(CASE, ALL_CASES * columns / max(len(cases), 1))
    lanes, top = [], 0.0
    for claim in claims.itertuples():
        lanes.append(Head(top, top + HEAD, claim))
        for statistic, rows in cases[cases.claim == claim.claim].groupby("statistic", sort=False):
            top, words = lanes[-1].bottom, wrap(statistic, 56)
            size = max(len(words) * LINE, (rows.verdict_on.value_counts().max() + 1) * spacing) + GAP
            rows = rows.sort_values("chosen", kind="stable", na_position="first")
            lanes.append(Test(top, top + size, words, rows, spacing))
        top = lanes[-1].bottom + GAP
    return lanes


def draw_verdict(ax, head, data):
    """The verdict on a claim for one kind of data, with its counts."""
    row = head.claim._asdict()
    text, color = said_of(row, data), VERDICT_COLORS[row[f"verdict_{data}"]]
    style = {"transform": ax.get_yaxis_transform(), "va": "center", "fontsize": 5.8, "fontweight": "bold"}
    ax.text(0, middle(head), text, color=color, **style)


def said_of(row, data):
    """The verdict, the cases that hold of those measured and of all, and the fewest seeds if some are missing."""
    keys = ("verdict", "cases", "not_measured", "holds", "fewest_seeds", "seeds")
    verdict, cases, not_measured, holds, fewest, seeds = (row[f"{key}_{data}"] for key in keys)
    if verdict == NOT_MEASURED:
        return verdict
    of_all = f" of {cases}" if not_measured else ""
    count = f", n = {fewest}" if fewest < seeds else ""
    return f"{SHORT.get(verdict, verdict)} ({holds}/{cases - not_measured}{of_all}){count}"


def draw_cases(ax, test, data):
    """The cases of a test on one kind of data, in the middle of its lane."""
    rows = test.cases[test.cases.verdict_on == data]
    if rows.empty:
        return
    places = middle(test) + (np.arange(len(rows)) - (len(rows) - 1) / 2) * test.spacing
    value, low, high, margin = standardized(rows)
    direction, shade = rows.direction.iloc[0], {"color": EXPECTED, "lw": 0, "zorder": 0}
    if direction == "within":
        ax.barh(places, 2 * margin, test.spacing, left=-margin, **shade)
    else:
        ends = places[[0, -1]] + np.array([-1, 1]) * test.spacing
        ax.fill_betweenx(ends, -EDGE if direction == "different" else 0, EDGE, **shade)
    color = [COLORS[outcome] for outcome in rows.outcome]
    ax.hlines(places, low, high, color=color, lw=0.6)
    ax.scatter(value, places, s=2.5, c=color, lw=0, zorder=3)


def draw_words(ax, lanes, width):
    """The claims and their tests, left of an axis that is so many inches wide."""
    style = {"transform": ax.get_yaxis_transform(), "va": "center"}
    for lane in lanes:
        if isinstance(lane, Head):
            name = lane.claim.claim.replace("_", " ")
            ax.text((0.1 - LEFT) / width, middle(lane), name, fontsize=6.5, fontweight="bold", **style)
        else:
            words = mathematical("\n".join(lane.words))
            ax.text((0.2 - LEFT) / width, middle(lane), words, color="0.2", fontsize=5.8, linespacing=1.05, **style)


def draw_expected(ax, lanes):
    """What each test expects, right of an axis."""
    for lane in lanes:
        if isinstance(lane, Test):
            style = {"transform": ax.get_yaxis_transform(), "va": "center", "fontsize": 5.8, "color": "0.4"}
            ax.text(1.03, middle(lane), mathematical(expectation(lane.cases.iloc[0])), **style)


def expectation(case):
    """What a case expects, in signs."""
    margin = "" if np.isnan(case.margin) else f" +- {case.margin:g}"
    return f"{SIGNS[case.direction]} {case.threshold:g}{margin}"


def middle(lane):
    """Height of the words of a lane."""
    return (lane.top + lane.bottom - (GAP if isinstance(lane, Test) else 0)) / 2


def standardized(rows):
    """Value, bounds and margin of cases in standard deviations over seeds; differences of shares as they are."""
    sign = np.where(rows.direction == "less", -1, 1)
    with np.errstate(divide="ignore", invalid="ignore"):
        ends = (sign * (x - rows.threshold) / rows.spread for x in (rows.value, rows.low, rows.high))
        return *(np.clip(x, -EDGE, EDGE) for x in ends), np.minimum(rows.margin / rows.spread, EDGE)


def keys():
    """Handles of the legend."""
    lines = [plt.Line2D([], [], color=color, marker="o", ms=3, label=f"case {said}") for said, color in COLORS.items()]
    return [*lines, plt.Rectangle((0, 0), 1, 1, color=EXPECTED, label="expected")]
