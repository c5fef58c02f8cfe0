"""Anisotropy of propagation and updates on one task (Figures 6 to 10)."""

import numpy as np

from engine.figures.style import (
    WIDTH,
    few_steps,
    highest_line,
    legend_below,
    letter_panels,
    mean_band,
    model_style,
    of_optimizer,
    optimizer_label,
    plt,
)

MANY = 8  # more models than this are drawn in one column an optimizer
MARKS = {"marker": "o", "ms": 2.5}


def anisotropy_figure(datasets, rank):
    """AI and CE of propagation and updates for {model: dataset} of one task, rank r."""
    AI, CE = f"AI = $s_1/s_{{{rank}}}$", f"CE of $s_1..s_{{{rank}}}$"
    return by_optimizer(datasets, AI, CE) if len(datasets) > MANY else by_checkpoint(datasets, AI, CE)


def by_checkpoint(datasets, AI, CE):
    """Top: the last checkpoint over lags, and the updates over training. Below: the lags again, at each checkpoint."""
    checkpoints = next(iter(datasets.values())).checkpoint.values
    figure = plt.figure(figsize=(WIDTH, 6.2))
    top, below = figure.subfigures(2, 1, height_ratios=(1, 1.55))
    (ai, ce, gradient_ai, gradient_ce) = top.subplots(1, 4)
    small = below.subplots(2, len(checkpoints), sharex=True, sharey="row", squeeze=False)
    letter_panels([ai, ce, gradient_ai, gradient_ce, *small.flat])
    draw_over_lags(ai, ce, datasets, -1)
    draw_over_training(gradient_ai, gradient_ce, datasets)
    for i, column in enumerate(small.T):
        draw_over_lags(*column, datasets, i)
        column[0].set_title(f"update {checkpoints[i]}")
        column[1].set_xlabel("lag $h$")
    ai.set(title=f"propagation,\nupdate {checkpoints[-1]}", xlabel="lag $h$", ylabel=AI)
    ce.set(title=f"propagation,\nupdate {checkpoints[-1]}", xlabel="lag $h$", ylabel=CE)
    gradient_ai.set(title="per-sample gradients", xlabel="update", ylabel=AI)
    gradient_ce.set(title="per-sample gradients", xlabel="update", ylabel=CE)
    small[0, 0].set_ylabel(AI)
    small[1, 0].set_ylabel(CE)
    for row in ([ai], small[0]):
        limit_anisotropy(row)
    few_steps(gradient_ai.yaxis)
    legend_below(figure, [ai])
    return figure


def by_optimizer(datasets, AI, CE):
    """One column an optimizer: AI and CE of propagation after training over lags, of updates over training."""
    optimizers = list(dict.fromkeys(model.split("-")[1] for model in datasets))
    figure, axes = plt.subplots(4, len(optimizers), figsize=(WIDTH, 6.4), sharey="row", squeeze=False)
    letter_panels(axes.flat)
    for column, optimizer in zip(axes.T, optimizers, strict=True):
        own = {f"{cell}-{optimizer}": ds for cell, ds in of_optimizer(datasets, optimizer).items()}
        draw_over_lags(*column[:2], own, -1)
        draw_over_training(*column[2:], own)
        column[0].set_title(optimizer_label(optimizer))
        column[1].set_xlabel("lag $h$")
        column[3].set_xlabel("update")
    words = [f"propagation\n{AI}", f"propagation\n{CE}", f"gradients\n{AI}", f"gradients\n{CE}"]
    for ax, label in zip(axes[:, 0], words, strict=True):
        ax.set_ylabel(label)
    limit_anisotropy(axes[0])
    few_steps(axes[2, 0].yaxis)
    figure.align_ylabels()
    handles, labels = axes[0, 0].get_legend_handles_labels()
    cells = [label.split(" + ")[0] for label in labels]
    figure.legend(handles, cells, loc="outside lower center", ncols=len(cells))
    return figure


def draw_over_lags(ai, ce, datasets, i):
    for model, ds in datasets.items():
        at = ds.isel(checkpoint=i)
        style = MARKS | model_style(model)
        mean_band(ai, ds.lag, np.log(at.jacobian_anisotropy.values), transform=np.exp, **style)
        mean_band(ce, ds.lag, at.jacobian_energy.values, **style)
    ai.set(yscale="log")
    ce.set(ylim=(0, 1.03))


def draw_over_training(ai, ce, datasets):
    for model, ds in datasets.items():
        style = MARKS | model_style(model)
        mean_band(ai, ds.checkpoint, np.log(ds.gradient_anisotropy.values), transform=np.exp, **style)
        mean_band(ce, ds.checkpoint, ds.gradient_energy.values, **style)
    ai.set(yscale="log")
    ce.set(ylim=(None, 1.01))


def limit_anisotropy(row):
    """AI is 1 at least; where double precision resolves few seeds, an interval may go anywhere."""
    row[0].set_ylim(0.8, 30 * highest_line(row))
