"""The coupling of time scales at one glance: every model, task and checkpoint, with intervals over seeds."""

import numpy as np

from engine.figures.style import WIDTH, cell_color, letter_panels, model_label, model_style, plt

MARKS = {"decay": {"marker": "o", "ls": "-"}, "mean_lag": {"marker": "D", "mfc": "w", "ls": ":"}}
WORDS = {"decay": r"$\tau$ param. from decay", "mean_lag": r"$\tau$ param. from mean lag"}
RHO = r"rank correlation $\rho$"


def coupling_figure(table):
    """tau.param against tau.state from the rows of coupling.csv (a DataFrame).

    Above, the rank correlation over the units of a network as training goes on: one row a model, one column a task.
    Below, the same over networks (seeds and checkpoints), and the exponent over units at the last checkpoint.
    """
    table = table[np.isfinite(table.rank_correlation)]
    units, networks = (table[table.over == over] for over in ("units", "networks"))
    rows = max(units.model.nunique(), 1)
    figure = plt.figure(figsize=(WIDTH, 1.2 * rows + 3.8))
    above, below = figure.subfigures(2, 1, height_ratios=(1.2 * rows + 0.3, 3.5))
    upper = above.subplots(rows, max(units.task.nunique(), 1), sharex=True, sharey=True, squeeze=False)
    over_networks, over_units = below.subplots(2, 1)
    draw_training(upper, units)
    draw_by_task(over_networks, networks, "rank_correlation", f"{RHO}\nover networks")
    last = units[units.checkpoint == units.groupby(["model", "task"]).checkpoint.transform("last")]
    draw_by_task(over_units, last, "exponent", "exponent\nover units")
    letter_panels([*upper.flat, over_networks, over_units])
    below.legend(handles=keys(table), loc="outside lower center", ncols=4)
    return figure


def draw_training(axes, units):
    for ax in axes.flat:
        ax.axhline(0, color="0.6", lw=0.6)
    models, tasks = units.model.unique(), units.task.unique()
    for row, model in zip(axes, models, strict=False):
        row[0].set_ylabel(f"{model_label(model)}\n$\\rho$", fontsize=7)
        for ax, task in zip(row, tasks, strict=True):
            of = units[(units.model == model) & (units.task == task)]
            for estimator, at in of.groupby("estimator", sort=False):
                draw_line(ax, at.checkpoint.astype(int), at, estimator, cell_color(model.split("-")[0]))
    for ax, task in zip(axes[0], tasks, strict=False):
        ax.set_title(task)
    for ax in axes[-1]:
        ax.set_xlabel("update")


def draw_line(ax, x, at, estimator, color):
    """Values over x with a band for their intervals."""
    ax.plot(x, at.rank_correlation, color=color, ms=3, **MARKS[estimator])
    ax.fill_between(x, at.rank_correlation_low, at.rank_correlation_high, color=color, alpha=0.2, lw=0)


def draw_by_task(ax, rows, value, label):
    """One group of marks a task: models side by side, each with both estimators."""
    tasks = list(rows.task.unique())
    series = list(rows[["model", "estimator"]].drop_duplicates().itertuples(index=False))
    ax.axhline(0, color="0.6", lw=0.6)
    for i, (model, estimator) in enumerate(series):
        at = rows[(rows.model == model) & (rows.estimator == estimator)]
        x = at.task.map(tasks.index) + 0.75 * ((i + 0.5) / len(series) - 0.5)
        style = model_style(model)
        ax.vlines(x, at[f"{value}_low"], at[f"{value}_high"], color=style["color"], ls=style["ls"], lw=1)
        ax.plot(x, at[value], color=style["color"], ms=3.5, **MARKS[estimator] | {"ls": ""})
    ax.set_xticks(range(len(tasks)), tasks)
    ax.set_ylabel(label, fontsize=7)
    ax.set_xlim(-0.6, max(len(tasks), 1) - 0.4)


def keys(table):
    """Handles of the legend: models as their intervals are drawn, estimators by mark."""
    models = [model_style(model) for model in table.model.unique()]
    marks = [{"color": "0.2", "label": WORDS[name], **line} for name, line in MARKS.items()]
    return [plt.Line2D([], [], **style) for style in [*models, *marks]]
