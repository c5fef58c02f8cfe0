"""Step sizes of units by a multi gate and by Adam, in another network and in the same one."""

from typing import NamedTuple

import numpy as np

from engine.figures.style import (
    MORE_COLORS,
    WIDTH,
    cell_color,
    legend_below,
    letter_panels,
    mean_band,
    model_label,
    model_style,
    plt,
    share_x,
)
from engine.figures.ticks import round_numbers
from engine.measures.step_sizes import SAME_NETWORK


class Compared(NamedTuple):
    """One model on one task beside its references."""

    gates: object  # the dataset of engine.measures.gates
    steps: object  # the dataset of engine.measures.step_sizes.compare
    references: dict  # {reference: (seed, checkpoint, unit), the steps of Adam}


def steps_figure(tasks, model):
    """One column a task, from {task: Compared}.

    Rows: Adam's step of each unit against its gate product over one step, for each reference; rank correlation over
    the units by lag, trained and untrained (dotted); coefficient of variation over the units by lag.
    """
    references = list(next(iter(tasks.values())).references)
    rows = len(references) + 2
    figure, axes = plt.subplots(rows, len(tasks), figsize=(WIDTH, 1.4 * rows + 0.4), sharey="row", squeeze=False)
    letter_panels(axes.flat)
    for column, (task, compared) in zip(axes.T, tasks.items(), strict=True):
        column[0].set_title(task)
        for ax, reference in zip(column, references, strict=False):
            draw_units(ax, compared, reference)
        draw_correlation(column[-2], compared)
        draw_variation(column[-1], compared, model)
        share_x(*column[-2:])
    for ax, reference in zip(axes[:, 0], references, strict=False):
        ax.set_ylabel(f"step in\n{reference_style(reference)['label']}")
    axes[-2, 0].set_ylabel("rank correlation\nof the two")
    axes[-1, 0].set(ylabel="coefficient\nof variation", ylim=(0, None))
    figure.align_ylabels()
    legend_below(figure, axes.flat)
    return figure


def reference_style(reference):
    """`model_style` of a reference, also for the network itself, which Adam has not trained."""
    if reference == SAME_NETWORK:
        return {"color": MORE_COLORS[0], "ls": "-", "label": reference}
    return model_style(reference)


def draw_units(ax, compared, reference):
    """Units of all seeds at the last checkpoint, each over the mean of its network, so that 1 is the common step."""
    product = np.exp(compared.gates.log_unit_gate_product.isel(checkpoint=-1, probed_lag=0).values)
    step = compared.references[reference].isel(checkpoint=-1).values
    x, y = (values / values.mean(axis=-1, keepdims=True) for values in (product, step))
    ax.scatter(x, y, s=3, color=reference_style(reference)["color"], alpha=0.5, lw=0, rasterized=True)
    ax.set(xscale="log", yscale="log", xlabel=f"gate product, lag {int(compared.gates.probed_lag[0])}")
    round_numbers(ax.xaxis)
    round_numbers(ax.yaxis)


def draw_correlation(ax, compared):
    ax.axhline(0, color="0.6", lw=0.6)
    for reference, ds in zip(compared.references, compared.steps.step_rank_correlation, strict=True):
        style = reference_style(reference)
        ax.plot(ds.probed_lag, ds.isel(checkpoint=0).mean("seed", skipna=False), color=style["color"], ls=":", lw=0.9)
        mean_band(ax, ds.probed_lag, ds.isel(checkpoint=-1).values, **style | {"label": None})
    ax.plot([], [], color="0.4", ls=":", lw=0.9, label="untrained")
    ax.set_ylim(-1, 1)


def draw_variation(ax, compared, model):
    gates = compared.gates.isel(checkpoint=-1)
    mean_band(
        ax,
        gates.probed_lag,
        gates.gate_step_variation.values,
        color=cell_color(model.split("-")[0]),
        label=f"gate product, {model_label(model)}",
    )
    for reference, ds in zip(compared.references, compared.steps.adam_step_variation, strict=True):
        same_at_all = np.repeat(ds.isel(checkpoint=-1).values[:, None], gates.sizes["probed_lag"], axis=1)
        style = reference_style(reference)
        mean_band(ax, gates.probed_lag, same_at_all, **style | {"label": f"step, {style['label']}"})
    ax.set_xlabel("lag $h$")
