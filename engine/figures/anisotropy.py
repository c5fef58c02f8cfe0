"""Anisotropy of propagation and updates on one task, and losses: a row of panels for each data (Figures 6 to 10)."""

from collections import defaultdict
from collections.abc import Callable
from itertools import chain
from textwrap import fill
from typing import NamedTuple

import numpy as np

from engine.common.words import data_label
from engine.figures.style import (
    WIDTH,
    cell_marker,
    legend_below,
    letter_panels,
    limit_to_lines,
    mean_band,
    mean_marks,
    model_style,
    optimizer_label,
    plt,
)
from engine.figures.ticks import round_numbers

MANY = 8  # more models than this are drawn in one column an optimizer
EARLIER = 3  # checkpoints before the last that are shown, at most
WINDOWS = 60  # parts of a training; its loss is shown as the mean over each
ABOVE, BELOW, AROUND = 1.25, 1.0, 1.1  # inches: a row of panels after training, one before, words and legend
HELD_OUT = {"ms": 3.2, "mfc": "w", "mew": 0.8, "ls": ""}


LAG = "lag $h$"


class Kind(NamedTuple):
    """A kind of panel: `draw(ax, models, i)` draws {model: (anisotropy, training)} at checkpoint i.

    Panels of one kind share their axes. `factor` and `lowest` limit a logarithmic y axis.
    """

    words: str
    x: str
    draw: Callable
    factor: float = 0
    lowest: float = 0


def kinds(rank, loss):
    """Losses, called `loss`, then AI and CE of propagation, then AI and CE of gradients."""
    AI, CE = f"AI = $s_1/s_{{{rank}}}$", f"CE of $s_1$ to $s_{{{rank}}}$"
    return [
        Kind(fill(loss, 13, break_on_hyphens=False), "update", draw_losses, factor=3),
        Kind(f"propagation\n{AI}", LAG, draw_propagation_AI, factor=30, lowest=0.8),
        Kind(f"propagation\n{CE}", LAG, draw_propagation_CE),
        Kind(f"gradients\n{AI}", "update", draw_gradient_AI, factor=3, lowest=0.8),
        Kind(f"gradients\n{CE}", "update", draw_gradient_CE),
    ]


def anisotropy_figure(datasets, trainings, rank):
    """AI and CE of propagation and updates of one task, r = rank, beside the losses.

    From {(data, model): dataset} of anisotropy and of training. Each data has its row of panels, in the order given;
    all rows have the same axes. A training without `probe_loss` shows its training loss alone.
    """
    rows = {}
    loss = next(iter(trainings.values())).loss.attrs["long_name"].partition(" of ")[0]
    for (data, model), ds in datasets.items():
        rows.setdefault(data, {})[model] = ds, trainings[data, model]
    return (by_optimizer if max(map(len, rows.values())) > MANY else by_data)(rows, kinds(rank, loss))


def by_data(rows, kinds):
    """Above: losses, propagation after training, and gradients. Below: propagation at earlier checkpoints."""
    checkpoints = checkpoints_of(rows)
    last, earlier = len(checkpoints) - 1, spread(len(checkpoints) - 1)
    blocks = {ABOVE: [(kind, last) for kind in kinds], BELOW: [(kind, i) for kind in kinds[1:3] for i in earlier]}
    blocks = {height: columns for height, columns in blocks.items() if columns}
    figure = plt.figure(figsize=(WIDTH, AROUND + len(rows) * sum(blocks)))
    parts = figure.subfigures(len(blocks), 1, height_ratios=list(blocks), squeeze=False)
    drawn, of_kind = [], defaultdict(list)
    for part, columns in zip(parts.flat, blocks.values(), strict=True):
        axes = draw_grid(part, [[(kind, models, i) for kind, i in columns] for models in rows.values()], of_kind)
        for ax, (kind, i), before in zip(axes[0], columns, [(None, 0), *columns], strict=False):
            when = [f"update {checkpoints[i]}"] if kind.x == LAG else []
            ax.set_title("\n".join([kind.words] * (kind is not before[0]) + when), fontsize=7)
        for ax, data in zip(axes[:, 0], rows, strict=True):
            ax.set_ylabel(fill(data_label(data), 10), fontweight="bold")
        drawn.append(axes)
    limit(of_kind)
    letter_panels(chain(*(axes.flat for axes in drawn)))
    legend_below(figure, drawn[0][:, ::-1].flat)
    return figure


def by_optimizer(rows, kinds):
    """One column an optimizer, and for each kind of panel, after training, a row for each data."""
    last = len(checkpoints_of(rows)) - 1
    optimizers = list(dict.fromkeys(model.split("-")[1] for models in rows.values() for model in models))
    kinds = [kinds[0], *kinds[3:], *kinds[1:3]]  # updates along the axis first, then lags
    cells = [(kind, data) for kind in kinds for data in rows]
    grid = [[(kind, with_optimizer(rows[data], name), last) for name in optimizers] for kind, data in cells]
    figure = plt.figure(figsize=(WIDTH, AROUND + 0.9 * len(grid)))
    of_kind = defaultdict(list)
    axes = draw_grid(figure, grid, of_kind)
    limit(of_kind)
    for ax, (kind, data) in zip(axes[:, 0], cells, strict=True):
        ax.set_ylabel(f"{data_label(data)}\n{kind.words}", fontsize=7)
    for ax, optimizer in zip(axes[0], optimizers, strict=True):
        ax.set_title(optimizer_label(optimizer))
    letter_panels(axes[:, 0])
    figure.align_ylabels()
    legend_below(figure, axes[::-1].flat, words=lambda label: label.partition(" + ")[0])
    return figure


def checkpoints_of(rows):
    """Checkpoints of all models of a task."""
    models = next(iter(rows.values()))
    return next(iter(models.values()))[0].checkpoint.values


def spread(count):
    """Up to EARLIER of the indices 0..count-1, from the first to the last."""
    return np.unique(np.linspace(0, count - 1, EARLIER).round().astype(int)).tolist() if count else []


def with_optimizer(models, optimizer):
    return {model: found for model, found in models.items() if model.split("-")[1] == optimizer}


def draw_grid(figure, grid, of_kind):
    """Axes (row, column) of a grid of (kind, models, checkpoint), drawn, and added to {kind: [axes]}."""
    axes = figure.subplots(len(grid), len(grid[0]), squeeze=False)
    for (row, column), ax in np.ndenumerate(axes):
        kind, models, i = grid[row][column]
        kind.draw(ax, models, i)
        of_kind[kind].append(ax)
        below = grid[row + 1][column][0].x if row + 1 < len(grid) else None
        ax.set_xlabel(kind.x if below != kind.x else "")
        ax.tick_params(labelbottom=below != kind.x, labelleft=column == 0 or grid[row][column - 1][0] is not kind)
    return axes


def limit(of_kind):
    """The same axes for all panels of a kind: where each shows the same x, these are those of y."""
    for kind, axes in of_kind.items():
        if kind.factor:
            limit_to_lines(axes, kind.factor, kind.lowest)
            for ax in axes:
                round_numbers(ax.yaxis)


def draw_losses(ax, models, _):
    """The training loss as a line, the held-out loss as marks."""
    ax.set_yscale("log")
    for model, (_, training) in models.items():
        style = model_style(model) | {"label": None}
        k, loss = in_windows(training.loss.values)
        mean_band(ax, k, np.log(loss), np.exp, **style | {"lw": 0.9})
        if "probe_loss" in training:
            mark = {"marker": cell_marker(model.split("-")[0])} | HELD_OUT
            mean_marks(ax, training.checkpoint, np.log(training.probe_loss.values), np.exp, **style | mark)
    ax.plot([], [], color="0.4", lw=0.9, label="training loss")
    if any("probe_loss" in training for _, training in models.values()):
        ax.plot([], [], color="0.4", marker="o", **HELD_OUT, label="held-out loss")


def in_windows(loss):
    """The middle of each of WINDOWS parts of a training at most, and the mean loss (seed, part) over it."""
    parts = np.array_split(np.arange(loss.shape[1]), min(WINDOWS, loss.shape[1]))
    return [part.mean() for part in parts], np.stack([loss[:, part].mean(axis=1) for part in parts], axis=1)


def draw_propagation_AI(ax, models, i):
    ax.set_yscale("log")
    draw_means(ax, models, "lag", lambda ds: np.log(ds.jacobian_anisotropy.values[:, i]), np.exp)


def draw_propagation_CE(ax, models, i):
    draw_means(ax, models, "lag", lambda ds: ds.jacobian_energy.values[:, i])
    ax.set_ylim(0, 1.03)


def draw_gradient_AI(ax, models, _):
    ax.set_yscale("log")
    draw_means(ax, models, "checkpoint", lambda ds: np.log(ds.gradient_anisotropy.values), np.exp)


def draw_gradient_CE(ax, models, _):
    draw_means(ax, models, "checkpoint", lambda ds: ds.gradient_energy.values)
    ax.set_ylim(0, 1.03)


def draw_means(ax, models, x, values, transform=lambda v: v):
    """The mean over seeds of values(dataset) (seed, x), with its interval, a line for each model."""
    for model, (ds, _) in models.items():
        mark = {"marker": cell_marker(model.split("-")[0]), "ms": 2.8}
        mean_band(ax, ds[x], values(ds), transform, **model_style(model) | mark)
