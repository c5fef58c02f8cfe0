"""Transport of states by gates, above, and updates of parameters by optimizers, below."""

import numpy as np

from engine.figures.style import (
    WIDTH,
    cell_color,
    highest_line,
    legend_below,
    letter_panels,
    mean_band,
    of_optimizer,
    optimizer_label,
    plt,
    share_x,
)
from engine.figures.ticks import round_numbers

ROWS = (
    "alignment energy\nover chance",
    "transport efficiency",
    "cosine of update\nand $-$gradient",
    "spread of\n" r"$\log_{10}|\Delta\theta_p|/|g_p|$",
)


def alignment_figure(gates, trainings):
    """One column an optimizer, one colour a cell, from {model: dataset} of gates and of training, one task.

    Rows: alignment gain and transport efficiency over lags; cosine and spread of the updates over training.
    """
    optimizers = list(dict.fromkeys(model.split("-")[1] for model in gates))
    figure, axes = plt.subplots(4, len(optimizers), figsize=(WIDTH, 6.0), sharey="row", squeeze=False)
    letter_panels(axes.flat)
    for column, optimizer in zip(axes.T, optimizers, strict=True):
        column[0].set_title(optimizer_label(optimizer))
        draw_alignment(*column[:2], of_optimizer(gates, optimizer))
        draw_updates(*column[2:], of_optimizer(trainings, optimizer))
    axes[0, 0].set_ylim(0, 1.5 * highest_line(axes[0]))
    round_numbers(axes[1, 0].yaxis)
    axes[2, 0].set_ylim(min(0, axes[2, 0].get_ylim()[0]), 1.05)
    axes[3, 0].set_ylim(-0.05, max(1, axes[3, 0].get_ylim()[1]))
    for ax, label in zip(axes[:, 0], ROWS, strict=True):
        ax.set_ylabel(label)
    figure.align_ylabels()
    legend_below(figure, axes.flat)
    return figure


def draw_alignment(gain, efficiency, datasets):
    """Up to the longest lag at which singular vectors were taken."""
    gain.axhline(1, color="0.6", lw=0.6)
    for cell, ds in datasets.items():
        near = ds.sel(lag=slice(1, ds.probed_lag.max()))
        log_efficiency = np.log(near.transport_efficiency)
        for ax, x, values, transform in (
            (gain, ds.probed_lag, ds.alignment_gain, lambda v: v),
            (efficiency, near.lag, log_efficiency, np.exp),
        ):
            ax.plot(x, transform(values[:, 0].mean("seed", skipna=False)), color=cell_color(cell), ls=":", lw=0.9)
            mean_band(ax, x, values[:, -1].values, transform, color=cell_color(cell), label=cell)
    gain.plot([], [], color="0.4", ls=":", lw=0.9, label="untrained")
    efficiency.set(yscale="log", xlabel="lag $h$")
    share_x(gain, efficiency)


def draw_updates(cosine, spread, datasets):
    for cell, ds in datasets.items():
        style = {"color": cell_color(cell), "marker": "o", "ms": 2.5}
        mean_band(cosine, ds.checkpoint, ds.update_cosine.values, **style)
        mean_band(spread, ds.checkpoint, ds.update_spread.values, **style)
    spread.set(xlabel="update")
    share_x(cosine, spread)
