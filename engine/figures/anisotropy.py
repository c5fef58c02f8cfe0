"""Anisotropy of propagation and updates on one task (Figures 6 to 10)."""

import numpy as np

from engine.figures.style import WIDTH, letter_panels, mean_band, model_style, plt


def anisotropy_figure(datasets, rank):
    """AI and CE of propagation and updates for {model: dataset} of one task, rank r.

    Top: the last checkpoint over lags, and the updates over training. Below: the lags again, checkpoint by checkpoint.
    """
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
        column[0].set_xlabel("")
    for ax in small[:, 1:].flat:
        ax.set_ylabel("")
    for ax in (ai, ce):
        ax.set_title(f"propagation, update {checkpoints[-1]}")
    for ax in (gradient_ai, gradient_ce):
        ax.set_title("per-sample gradients")
    for ax in (ai, small[0, 0]):
        ax.set_ylabel(f"AI = $s_1/s_{{{rank}}}$")
    for ax in (ce, small[1, 0]):
        ax.set_ylabel(f"CE of $s_1..s_{{{rank}}}$")
    gradient_ai.set_ylabel(f"AI = $s_1/s_{{{rank}}}$")
    gradient_ce.set_ylabel(f"CE of $s_1..s_{{{rank}}}$")
    handles, labels = ai.get_legend_handles_labels()
    figure.legend(handles, labels, loc="outside lower center", ncols=len(labels))
    return figure


def draw_over_lags(ai, ce, datasets, i):
    for model, ds in datasets.items():
        at = ds.isel(checkpoint=i)
        style = model_style(model)
        mean_band(ai, ds.lag, np.log(at.jacobian_anisotropy.values), marker="o", ms=2.5, transform=np.exp, **style)
        mean_band(ce, ds.lag, at.jacobian_energy.values, marker="o", ms=2.5, **style)
    ai.set(yscale="log", xlabel="lag $h$")
    ce.set(xlabel="lag $h$", ylim=(0, 1.03))


def draw_over_training(ai, ce, datasets):
    for model, ds in datasets.items():
        style = model_style(model)
        mean_band(
            ai, ds.checkpoint, np.log(ds.gradient_anisotropy.values), marker="o", ms=2.5, transform=np.exp, **style
        )
        mean_band(ce, ds.checkpoint, ds.gradient_energy.values, marker="o", ms=2.5, **style)
    ai.set(yscale="log", xlabel="update")
    ce.set(xlabel="update", ylim=(None, 1.01))
