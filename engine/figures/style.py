"""One look for all figures: sizes, one colour a cell, lines with a band over seeds, files without dates."""

import re

import matplotlib
import numpy as np
import seaborn as sns

from engine.common.files import atomic_write
from engine.verdicts.intervals import mean_interval

matplotlib.use("Agg")

from matplotlib import pyplot as plt

LOG_10 = np.log(10)
WIDTH = 7.0  # inches, the text width of a two-column page

CELL_COLORS = {"plain": "#4d4d4d", "leaky": "#0072b2", "scalar": "#d55e00", "multi": "#009e73"}
MORE_COLORS = ("#cc79a7", "#8c6bb1", "#e6ab02", "#56b4e9")
OPTIMIZER_LINES = {"sgd": "-", "sgd_schedule": (0, (7, 1, 1, 1, 1, 1)), "momentum": "-.", "rmsprop": ":", "adam": "--"}
CELL_MARKERS = {"plain": "o", "leaky": "v", "scalar": "s", "multi": "D"}
MORE_MARKERS = ("p", "P", "X", "h")
MORE_LINES = ((0, (5, 1)), (0, (3, 1, 1, 1)), (0, (1, 3)), (0, (8, 2)))
OPTIMIZER_WORDS = {"sgd": "SGD", "sgd_schedule": "SGD, schedule", "rmsprop": "RMSprop", "adam": "Adam"}
LEFT_OUT = "without seeds that diverged or are not resolved"
MEDIAN = "median over all seeds, where some are not resolved"

sns.set_theme(
    context="paper",
    style="ticks",
    rc={
        "font.family": "DejaVu Sans",
        "font.size": 8,
        "axes.titlesize": 8,
        "axes.labelsize": 8,
        "xtick.labelsize": 7,
        "ytick.labelsize": 7,
        "legend.fontsize": 7,
        "legend.frameon": False,
        "axes.spines.top": False,
        "axes.spines.right": False,
        "axes.linewidth": 0.6,
        "lines.linewidth": 1.3,
        "pdf.fonttype": 42,
        "savefig.dpi": 300,
        "figure.constrained_layout.use": True,
    },
)


def cell_color(name):
    """The colour of a cell: the same in every figure; for a cell of a user one of the spare colours, by its name."""
    return CELL_COLORS.get(name) or MORE_COLORS[sum(name.encode()) % len(MORE_COLORS)]


def cell_marker(name):
    """The mark of a cell, chosen as in `cell_color`: it distinguishes cells without colour."""
    return CELL_MARKERS.get(name) or MORE_MARKERS[sum(name.encode()) % len(MORE_MARKERS)]


def many_style(i):
    """Colour and line style of the i-th of many lines: 8 colours times 5 styles."""
    lines = ("-", "--", "-.", ":", (0, (8, 2, 1, 2, 1, 2)))
    return {"color": sns.color_palette("colorblind", 8)[i % 8], "ls": lines[i // 8 % len(lines)]}


def optimizer_line(name):
    """The line style of an optimizer: the same in every figure."""
    return OPTIMIZER_LINES.get(name) or MORE_LINES[sum(name.encode()) % len(MORE_LINES)]


def model_style(model):
    """Line style of a model (cell-optimizer): colour by cell, dashes by optimizer, and its label."""
    cell, optimizer = model.split("-")
    return {"color": cell_color(cell), "ls": optimizer_line(optimizer), "label": model_label(model)}


def model_label(model):
    """plain-adam as plain + Adam."""
    cell, optimizer = model.split("-")
    return f"{cell} + {optimizer_label(optimizer)}"


def optimizer_label(name):
    """An optimizer by the name that the field uses."""
    return OPTIMIZER_WORDS.get(name) or name.replace("_", " ")


def of_optimizer(datasets, optimizer):
    """{cell: dataset} of the models with one optimizer, from {model: dataset}."""
    return {model.split("-")[0]: ds for model, ds in datasets.items() if model.split("-")[1] == optimizer}


def panels(rows, columns, height, **options):
    """A figure of the text width with its axes (rows, columns), the panels lettered from a."""
    figure, axes = plt.subplots(rows, columns, figsize=(WIDTH, height), squeeze=False, **options)
    letter_panels(axes.flat)
    return figure, axes


def grid(count, row_height, columns, below=0.4, **options):
    """As `panels`, for `count` panels in rows of `columns`, without those left over: the figure and its axes, flat.

    `below` is the height in inches of the space below all panels.
    """
    columns = min(count, columns)
    rows = -(-count // columns)
    figure, axes = plt.subplots(rows, columns, figsize=(WIDTH, row_height * rows + below), squeeze=False, **options)
    for ax in axes.flat[count:]:
        ax.remove()
    for ax in axes.flat[count - columns : count]:
        ax.tick_params(labelbottom=True)
    letter_panels(axes.flat[:count])
    return figure, axes.flat[:count]


def letter_panels(axes):
    """a, b, c, ... in bold at the upper left of each panel, clear of its title."""
    for letter, ax in zip("abcdefghijklmnopqrstuvwxyz", axes, strict=False):
        at = {"xycoords": "axes fraction", "textcoords": "offset points"}
        ax.annotate(letter, (0, 1), (-24, 5), fontweight="bold", fontsize=9, **at)


def share_x(above, below):
    """One axis for two panels, labelled below."""
    above.sharex(below)
    above.tick_params(labelbottom=False)


def legend_below(figure, axes, columns=6, words=lambda label: label):
    """One legend for all axes below them, each label once, as `words` of it, in as many columns as the page holds.

    The figure grows by all its rows but one, so that the panels keep their size.
    """
    found = {}
    for ax in axes:
        for handle, label in zip(*ax.get_legend_handles_labels(), strict=True):
            found.setdefault(words(label), handle)
    for ncols in range(min(len(found), columns), 0, -1):
        legend = figure.legend(found.values(), found.keys(), loc="outside lower center", ncols=ncols)
        box = legend.get_window_extent()
        if ncols == 1 or box.width < figure.bbox.width:
            rows = -(-len(found) // ncols)
            figure.set_figheight(figure.get_figheight() + (1 - 1 / rows) * box.height / figure.dpi)
            return
        legend.remove()


def mathematical(text):
    """Words from a table with their symbols as they are printed."""
    for typed, printed in (("log10", "log₁₀"), ("R^2", "R²"), ("||", "‖"), ("+-", "±")):
        text = text.replace(typed, printed)
    return re.sub(r"\b[A-Z]_\w\b", r"$\g<0>$", text)


def highest_line(row):
    """The largest value of a row's lines, 1 at least: where few seeds are known a band may go anywhere."""
    return max(np.nanmax(line.get_ydata(), initial=1) for ax in row for line in ax.lines)


def limit_to_lines(axes, factor, lowest=0):
    """One range of logarithmic y for all axes: that of their lines times `factor` to each side, `lowest` at least.

    Bands count no more than that: where few seeds are known, an interval may go anywhere.
    """
    values = np.concatenate([np.ravel(line.get_ydata()).astype(float) for ax in axes for line in ax.lines])
    shown = values[np.isfinite(values) & (values > 0)]
    for ax in axes if len(shown) else ():
        ax.set_ylim(max(lowest, shown.min() / factor), shown.max() * factor)


def band(ax, x, values, **line):
    """Mean over the first axis (seeds) as a line, one standard deviation to each side as a band."""
    values = np.asarray(values)
    mean, _, _ = mean_interval(values)
    squares = np.where(np.isnan(values - mean), 0, (values - mean) ** 2).sum(axis=0)
    spread = np.sqrt(squares / np.maximum((~np.isnan(values)).sum(axis=0) - 1, 1))
    (drawn,) = ax.plot(x, mean, **line)
    ax.fill_between(x, mean - spread, mean + spread, color=drawn.get_color(), alpha=0.2, linewidth=0)
    mark_what_is_left_out(ax, drawn, ~np.isnan(values))
    mark_medians(ax, drawn, x, values)
    return drawn


def mean_band(ax, x, values, transform=lambda v: v, **line):
    """Mean over the first axis (seeds) as a line, its 95% interval as a band, both drawn through `transform`."""
    mean, low, high = (transform(bound) for bound in mean_interval(values))
    (drawn,) = ax.plot(x, mean, **line)
    ax.fill_between(x, low, high, color=drawn.get_color(), alpha=0.18, linewidth=0)
    mark_what_is_left_out(ax, drawn, ~np.isnan(values))
    mark_medians(ax, drawn, x, values, transform)
    return drawn


def mean_marks(ax, x, values, transform=lambda v: v, **mark):
    """As `mean_band`, for few x with nothing between them: marks with bars."""
    mean, low, high = (transform(bound) for bound in mean_interval(values))
    (drawn,) = ax.plot(x, mean, **mark | {"ls": ""})
    ax.vlines(x, low, high, color=drawn.get_color(), lw=drawn.get_markeredgewidth())
    mark_what_is_left_out(ax, drawn, ~np.isnan(values))
    mark_medians(ax, drawn, x, values, transform)
    return drawn


def mark_medians(ax, line, x, values, transform=lambda v: v):
    """Draws a triangle at the median if there is no mean, because the value of a seed is infinite."""
    x, values = np.asarray(x), np.asarray(values)
    unresolved = np.flatnonzero(np.isinf(values).any(axis=0))
    if len(unresolved):
        with np.errstate(invalid="ignore"):  # of two infinities
            medians = transform(np.nanmedian(values[:, unresolved], axis=0))
        shown = np.isfinite(medians)
        style = {"color": line.get_color(), "ms": 4, "mfc": "w", "mew": 0.8}
        ax.plot([], [], "^", **style | {"color": "0.4"}, label=MEDIAN)
        ax.plot(x[unresolved][shown], medians[shown], "^", **style)


def mark_what_is_left_out(ax, line, known):
    """Draws a + along a mean wherever seeds have no value.

    If most are missing, a text says how many there are. A line ends where all are missing.
    """
    x, y = line.get_data()
    count, seeds = known.sum(axis=0), len(known)
    partial = np.flatnonzero(np.isfinite(y) & (count < seeds))
    if not len(partial):
        return
    ax.plot([], [], "+", color="0.4", ms=6, mew=0.8, label=LEFT_OUT)
    shown = partial[:: max(1, len(partial) // 6)]
    ax.plot(x[shown], y[shown], "+", color=line.get_color(), ms=6, mew=0.8)
    fewest = partial[::-1][count[partial[::-1]].argmin()]
    at = {"xytext": (0, 4), "textcoords": "offset points", "ha": "center", "fontsize": 5, "color": line.get_color()}
    ax.annotate(f"{count[fewest]}/{seeds}", (x[fewest], y[fewest]), **at)


def save_figure(figure, paths):
    """Writes a figure to each path (.pdf, .png) whole or not at all, without a date, and closes it."""
    settle(figure)
    for path in paths:
        with atomic_write(path) as part:
            figure.savefig(part, metadata={"CreationDate": None} if part.suffix == ".pdf" else {"Software": None})
    plt.close(figure)


def settle(figure):
    """Lays a figure out, once for all files, and rounds the places: the solver's last digits differ from run to run."""
    figure.draw_without_rendering()
    figure.set_layout_engine("none")
    for part in figure.subfigs:
        part.bbox_relative.set_points(np.round(part.bbox_relative.get_points(), 6))
    for ax in figure.axes:
        ax.set_position(np.round(ax.get_position().bounds, 6))
