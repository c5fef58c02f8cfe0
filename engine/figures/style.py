"""One look for all figures: sizes, one colour a cell, lines with a band over seeds, files without dates."""

import matplotlib
import numpy as np
import seaborn as sns

from engine.files import whole
from engine.statistics import mean_interval

matplotlib.use("Agg")

from matplotlib import pyplot as plt

WIDTH = 7.0  # inches, the text width of a two-column page

CELL_COLORS = {"plain": "#4d4d4d", "leaky": "#0072b2", "scalar": "#d55e00", "multi": "#009e73"}
MORE_COLORS = ("#cc79a7", "#8c6bb1", "#e6ab02", "#56b4e9")

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
    """The colour of a cell: the same in every figure; a cell of one's own gets one of the spare ones by its name."""
    return CELL_COLORS.get(name) or MORE_COLORS[sum(name.encode()) % len(MORE_COLORS)]


def panels(rows, columns, height, **options):
    """A figure of the text width with its axes (rows, columns), the panels lettered from a."""
    figure, axes = plt.subplots(rows, columns, figsize=(WIDTH, height), squeeze=False, **options)
    letter_panels(axes.flat)
    return figure, axes


def letter_panels(axes):
    """a, b, c, ... in bold at the upper left of each panel, clear of its title."""
    for letter, ax in zip("abcdefghijklmnopqrstuvwxyz", axes, strict=False):
        ax.annotate(
            letter, (0, 1), (-24, 5), xycoords="axes fraction", textcoords="offset points", fontweight="bold", fontsize=9
        )


def band(ax, x, values, **line):
    """Mean over the first axis (seeds) as a line, one standard deviation to each side as a band."""
    mean, spread = np.nanmean(values, axis=0), np.nanstd(values, axis=0, ddof=1 if len(values) > 1 else 0)
    (drawn,) = ax.plot(x, mean, **line)
    ax.fill_between(x, mean - spread, mean + spread, color=drawn.get_color(), alpha=0.2, linewidth=0)
    return drawn


def mean_band(ax, x, values, transform=lambda v: v, **line):
    """Mean over the first axis (seeds) as a line, its 95% interval as a band, both drawn through `transform`."""
    mean, low, high = (transform(bound) for bound in mean_interval(values))
    (drawn,) = ax.plot(x, mean, **line)
    ax.fill_between(x, low, high, color=drawn.get_color(), alpha=0.25, linewidth=0)
    return drawn


def save_figure(figure, paths):
    """Writes a figure to each path (.pdf, .png) whole or not at all, without a date, and closes it."""
    for path in paths:
        with whole(path) as part:
            figure.savefig(part, metadata={"CreationDate": None} if part.suffix == ".pdf" else {"Software": None})
    plt.close(figure)
