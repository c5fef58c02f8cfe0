"""Two-way decomposition of the factorial by gate and optimizer."""

from textwrap import wrap

import numpy as np

from engine.figures.style import WIDTH, cell_color, grid, letter_panels, mathematical, optimizer_label, plt

EFFECT_COLORS = {"gate": "#5e3c99", "optimizer": "#c79a00", "interaction": "0.55"}
MARKS = {"gate": "o", "optimizer": "s", "interaction": "D"}


def shares_figure(effects):
    """Adjusted shares of the variance from the rows of decomposition.csv (a DataFrame): one column a task."""
    effects = effects[effects.source.isin(EFFECT_COLORS)].assign(row=quantity_names(effects))
    names, tasks = list(effects.row.unique()), list(effects.task.unique())
    figure, axes = plt.subplots(
        1, len(tasks), figsize=(WIDTH, 0.33 * len(names) + 0.9), sharex=True, sharey=True, squeeze=False
    )
    letter_panels(axes.flat)
    for ax, task in zip(axes.flat, tasks, strict=True):
        ax.set_title(task)
        for i in range(0, len(names), 2):
            ax.axhspan(i - 0.5, i + 0.5, color="0.95", lw=0)
        for offset, (source, color) in zip((-0.25, 0, 0.25), EFFECT_COLORS.items(), strict=True):
            at = effects[(effects.task == task) & (effects.source == source)]
            y = at.row.map(names.index) + offset
            ax.hlines(y, at.adjusted_share_low, at.adjusted_share_high, color=color, lw=1)
            ax.plot(at.adjusted_share, y, MARKS[source], color=color, ms=3, label=source)
        ax.axvline(0, color="0.6", lw=0.6)
        ax.set(xlabel=r"share $\epsilon^2$", xlim=(-0.12, 1.02), xticks=(0, 0.5, 1))
    axes[0, 0].set_yticks(range(len(names)), names)
    axes[0, 0].set_ylim(len(names) - 0.5, -0.5)
    figure.legend(*axes[0, 0].get_legend_handles_labels(), loc="outside lower center", ncols=3)
    return figure


def means_figure(means):
    """Marginal means of one task from its rows of decomposition_means.csv (a DataFrame): one panel a quantity."""
    means = means[np.isfinite(means["mean"])]
    means = means.assign(panel=quantity_names(means))
    names = list(means.panel.unique())
    figure, axes = grid(len(names), 1.25, 4, below=0.8, sharex=True)
    for ax, name in zip(axes, names, strict=True):
        draw_levels(ax, means[means.panel == name])
        ax.set_title("\n".join(wrap(name, 24)), fontsize=7)
        if ax.get_subplotspec().is_first_col():
            ax.set_ylabel("marginal mean")
    return figure


def draw_levels(ax, at):
    """Gates in their colours, then optimizers."""
    gates = (at.factor == "gate").sum()
    x = np.arange(len(at)) + 0.8 * (np.arange(len(at)) >= gates)
    colors = [cell_color(row.level) if row.factor == "gate" else EFFECT_COLORS["optimizer"] for row in at.itertuples()]
    ax.vlines(x, at.low, at.high, color=colors, lw=1)
    for part, factor in ((slice(gates), "gate"), (slice(gates, None), "optimizer")):
        ax.scatter(x[part], at["mean"][part], c=colors[part], s=10, marker=MARKS[factor], zorder=3)
    ax.axvline(gates - 0.1, color="0.8", lw=0.6)
    ax.set_xticks(x, at.level.map(optimizer_label), rotation=90)


def quantity_names(rows):
    """The quantity with its choice, such as a lag."""
    chosen = rows.chosen.astype(object).fillna("").astype(str).str.replace("probed_lag", "lag")
    return (rows.quantity + chosen.where(chosen == "", ", " + chosen)).map(mathematical)
