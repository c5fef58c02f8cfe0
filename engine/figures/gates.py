"""Gates as optimizers: profiles over the lags to the end of the sequence, beside geometric kernels."""

import numpy as np

from engine.figures.style import LOG_10, band, cell_color, grid, legend_below, model_label
from engine.figures.ticks import round_numbers
from engine.measures.geometric import fit, kernel
from engine.verdicts.intervals import mean_interval, seed_interval

PAPER = {"facecolor": "w", "edgecolor": "none", "alpha": 0.7, "pad": 1}
CARRIED = (
    ("transport", r"$S$", r"transport $S$ (colour: cell)", "o"),
    ("gradient", r"$\|G_h\|$", r"gradient $\|G_h\|$", "s"),
)
LIMIT = 60  # decades: a saturated gate's product may be any number, and the axis is for what the network carries


def gates_figure(datasets):
    """One panel a model at the last checkpoint, relative to lag 1, from {(task, model): dataset}."""
    tasks = {task for task, _ in datasets}
    columns = columns_for(len(datasets))
    figure, axes = grid(len(datasets), 1.7, columns, sharex=True, sharey=True)
    for ax, ((task, model), ds) in zip(axes, datasets.items(), strict=True):
        draw_profiles(ax, ds.isel(checkpoint=-1), model.split("-")[0])
        title = model_label(model) if len(tasks) == 1 else f"{task}: {model_label(model)}"
        ax.set_title(title, fontsize=8 if columns < 5 else 6)
    lowest = min(lowest_value(ds.isel(checkpoint=-1)) for ds in datasets.values())
    axes[0].set_ylim(1.12 * max(lowest, -LIMIT), -0.06 * max(lowest, -LIMIT))
    round_numbers(axes[0].yaxis)
    for ax in axes:
        if ax.get_subplotspec().is_first_col():
            ax.set_ylabel("relative to lag 1")
    for ax in axes[-columns:]:
        ax.set_xlabel("lag $h$")
    legend_below(figure, axes, columns=3)
    return figure


def columns_for(count):
    """Columns of a grid of models: five for the factorial, one for each optimizer."""
    if count >= 10 and count % 5 == 0:
        return 5
    return 4 if count % 4 == 0 else 3


def draw_profiles(ax, ds, cell):
    said = []
    for profile, (name, sign, label, mark) in zip(carried(ds), CARRIED, strict=True):
        color = cell_color(cell) if name == "transport" else "0.1"
        relative = relative_to_lag_1(profile)
        band(ax, ds.lag[1:], relative, color=color, label=label)
        draw_kernel(ax, relative, color=color, marker=mark)
        said.append(said_of_fit(ds, name, sign))
    draw_gates(ax, ds)
    ax.plot([], [], "o", color="0.4", ms=3, mfc="w", mew=0.7, label="geometric fit: factor per step ($R^2$)")
    ax.text(0.03, 0.03, "\n".join(said), transform=ax.transAxes, va="bottom", fontsize=6, bbox=PAPER)


def carried(ds):
    """The profiles of CARRIED."""
    return ds.log_transport_norm, ds.log_gradient_norm.sel(weight="all")


def draw_gates(ax, ds):
    """Draws products of gates; a cell without a gate has none."""
    for name, ls, label in (
        ("log_update_product", "--", r"update gates $\prod g$"),
        ("log_retention_product", "-.", r"retention $\prod(1-g)$"),
    ):
        relative = relative_to_lag_1(ds[name])
        if np.abs(relative[np.isfinite(relative)]).max(initial=0) > 0:
            band(ax, ds.lag[1:], relative, color="0.55", ls=ls, label=label, zorder=1.5)


def draw_kernel(ax, relative, **style):
    """Marks on the geometric kernel fitted to a profile (to its mean over seeds: the fit is linear in the logs)."""
    mean = np.concatenate([[np.nan], mean_interval(relative)[0]])
    h = np.unique(np.linspace(1, len(mean) - 1, 7).round().astype(int))
    ax.plot(h, kernel(fit(mean), len(mean))[h], ls="", ms=3, mfc="w", mew=0.7, zorder=3, **style)


def relative_to_lag_1(profile):
    """log10 of a profile (seed, lag) over its value at lag 1, for the lags from 1; NaN if that is 0."""
    values = profile.values[:, 1:]
    first = values[:, :1]
    return (values - np.where(np.isfinite(first), first, np.nan)) / LOG_10


def lowest_value(ds):
    """The lowest point of transport and gradient."""
    values = np.concatenate([relative_to_lag_1(profile).ravel() for profile in carried(ds)])
    return values[np.isfinite(values)].min(initial=-1)


def said_of_fit(ds, profile, sign):
    """Factor per step and R^2 of a geometric fit, mean over the seeds that have one; how many, if not all."""
    at = ds.sel(profile=profile)
    factor, r_squared = (seed_interval(at[name].values) for name in ("factor", "r_squared"))
    count = f", {factor.seeds} of {at.sizes['seed']} seeds" if factor.seeds < at.sizes["seed"] else ""
    return f"{sign}: {factor.value:.2f} ({r_squared.value:.3f}){count}"
