"""The claims of the abstract on one page: every case with its interval, beside what was expected."""

from textwrap import wrap

import numpy as np

from engine.claims import ALL_TASKS, CONTRADICTED, HOLDS, MIXED, NOT_MEASURED, NOT_SUPPORTED, SUPPORTED, UNDECIDED
from engine.figures.style import WIDTH, plt

COLORS = {HOLDS: "#2166ac", CONTRADICTED: "#b2182b", UNDECIDED: "0.55"}
VERDICT_COLORS = {SUPPORTED: "#2166ac", NOT_SUPPORTED: "#b2182b", MIXED: "#b35806", NOT_MEASURED: "0.55"}
EXPECTED = "#e3edf5"
EDGE = 60  # standard deviations; what lies farther out is drawn here
LEFT, PLOT = 2.95, 3.1  # inches: the words, the axis
HEAD, LINE, CASE, GAP = 0.17, 0.1, 0.019, 0.07  # inches: a claim's name, a line of words, a case, between tests


def claims_figure(claims, cases):
    """From claims.csv and claim_cases.csv (DataFrames): under each claim its tests, under each test one line a case.

    Cases stand at their distance from the threshold in standard deviations over seeds, the expected side to the right.
    """
    cases = cases[(cases.task != ALL_TASKS) & (cases.outcome != NOT_MEASURED)].fillna({"chosen": ""})
    lanes = laid_out(claims, cases)
    height = lanes[-1]["bottom"]
    figure = plt.figure(figsize=(WIDTH, height + 0.75))
    figure.set_layout_engine("none")  # its places are given in inches
    total = figure.get_figheight()
    ax = figure.add_axes((LEFT / WIDTH, 0.45 / total, PLOT / WIDTH, height / total))
    ax.set(xlim=(-EDGE * 1.15, EDGE * 1.15), ylim=(height, 0), xscale="symlog", yticks=[])
    for lane in lanes:
        draw_head(ax, lane) if "verdict" in lane else draw_test(ax, lane)
    ax.axvline(0, color="0.3", lw=0.6)
    ax.spines["left"].set_visible(False)
    ax.set_xticks([-50, -10, -1, 0, 1, 10, 50], ["-50", "-10", "-1", "0", "1", "10", "50"])
    ax.set_xlabel("distance from the threshold, standard deviations over seeds")
    figure.legend(handles=keys(), loc="upper center", ncols=4, bbox_to_anchor=(0.5, 1))
    return figure


def laid_out(claims, cases):
    """Heads and tests from top to bottom, in inches."""
    lanes, top = [], 0.0
    for claim in claims.itertuples():
        lanes.append({"top": top, "bottom": top + HEAD, "claim": claim.claim, "verdict": claim.verdict, "row": claim})
        top += HEAD
        for statistic, rows in cases[cases.claim == claim.claim].groupby("statistic", sort=False):
            words = wrap(statistic, 58)
            size = max(len(words) * LINE, len(rows) * CASE) + GAP
            rows = rows.sort_values("chosen", kind="stable")
            lanes.append({"top": top, "bottom": top + size, "words": words, "rows": rows})
            top += size
        top += GAP
    return lanes


def draw_head(ax, lane):
    """The name of a claim, its verdict, and how many of its cases hold."""
    y, row = (lane["top"] + lane["bottom"]) / 2, lane["row"]
    across = ax.get_yaxis_transform()
    measured = row.cases - row.not_measured
    style = {"transform": across, "va": "center", "fontsize": 7, "fontweight": "bold"}
    ax.text(-(LEFT - 0.1) / PLOT, y, lane["claim"].replace("_", " "), **style)
    said = lane["verdict"] + (f" ({row.holds}/{measured})" if measured else "")
    ax.text(1.01, y, said, color=VERDICT_COLORS[lane["verdict"]], **style | {"fontsize": 6.5})


def draw_test(ax, lane):
    """The words of a test, what is expected, and its cases one below the other."""
    y = (lane["top"] + lane["bottom"] - GAP) / 2
    style = {"transform": ax.get_yaxis_transform(), "va": "center", "fontsize": 5.8, "linespacing": 1.05}
    ax.text(-(LEFT - 0.2) / PLOT, y, "\n".join(lane["words"]), color="0.2", **style)
    ax.text(1.01, y, lane["rows"].expected.iloc[0], color="0.4", **style)
    middle = y + (np.arange(len(lane["rows"])) - (len(lane["rows"]) - 1) / 2) * CASE
    value, low, high, margin = standardized(lane["rows"])
    draw_expected(ax, lane, middle, margin)
    color = [COLORS[outcome] for outcome in lane["rows"].outcome]
    ax.hlines(middle, low, high, color=color, lw=0.7)
    ax.scatter(value, middle, s=2.5, c=color, lw=0, zorder=3)


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
        return *found, margin / scale


def draw_expected(ax, lane, middle, margin):
    """Shades where a case holds."""
    box = {"color": EXPECTED, "lw": 0, "zorder": 0}
    top, bottom = middle[0] - 2 * CASE, middle[-1] + 2 * CASE
    match lane["rows"].expected.iloc[0].split()[0]:
        case "within":
            ax.barh(middle, 2 * margin, CASE, left=-margin, **box)
        case "different":
            ax.fill_betweenx([top, bottom], -EDGE, EDGE, **box)
        case _:
            ax.fill_betweenx([top, bottom], 0, EDGE, **box)


def keys():
    """Handles of the legend."""
    lines = [plt.Line2D([], [], color=color, marker="o", ms=3, label=f"case {said}") for said, color in COLORS.items()]
    return [*lines, plt.Rectangle((0, 0), 1, 1, color=EXPECTED, label="expected")]
