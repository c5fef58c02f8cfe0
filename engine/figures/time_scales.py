"""Time scales of states and parameters over training, and their relation, for cells whose gate learns."""

import numpy as np

from engine.figures.style import cell_color, legend_below, mark_what_is_left_out, model_label, panels
from engine.figures.ticks import round_numbers

ESTIMATORS = {"decay": "decay", "mean_lag": "mean lag"}


def time_scales_figure(datasets, coupling):
    """One row a model of one task, from {model: dataset} and the task's rows of coupling.csv (a DataFrame).

    Columns: the time scales over training; tau.param against tau.state by each estimator, over the units at the last
    checkpoint, or over networks (seeds and checkpoints) for a cell with one gate for all units.
    """
    figure, axes = panels(len(datasets), 3, 1.75 * len(datasets) + 0.4)
    for row, (model, ds) in zip(axes, datasets.items(), strict=True):
        draw_over_training(row[0], ds, model)
        for ax, estimator in zip(row[1:], ESTIMATORS, strict=True):
            of = (coupling.model == model) & (coupling.estimator == estimator) & (coupling.over == over(ds))
            draw_relation(ax, ds, model, estimator, coupling[of].iloc[-1])
    for ax in axes[-1]:
        ax.set_xlabel("update" if ax is axes[-1, 0] else r"$\tau$ state, steps")
    legend_below(figure, axes[:, 0])
    return figure


def over(ds):
    """The points of the relation: "units" if each unit has its own gate, else "networks"."""
    tau = ds.tau_state.values
    return "units" if np.nanmax(np.ptp(tau, axis=-1)) > 0 else "networks"


def draw_over_training(ax, ds, model):
    """Quantiles of tau.state over units, time and samples, and the time scales of transport and gradient."""
    color, x = cell_color(model.split("-")[0]), ds.checkpoint
    quantiles = ds.tau_state_quantile.median("seed")
    ax.fill_between(x, *quantiles.sel(quantile=[0.05, 0.95]).T, color=color, alpha=0.15, lw=0)
    ax.fill_between(x, *quantiles.sel(quantile=[0.25, 0.75]).T, color=color, alpha=0.3, lw=0)
    label = r"$\tau$ state (quantiles)"
    (drawn,) = ax.plot(x, quantiles.sel(quantile=0.5), color=color, marker="o", ms=2.5, label=label)
    mark_what_is_left_out(ax, drawn, ds.tau_state_quantile.notnull().all("quantile").values)
    draw_median(ax, x, ds.tau_transport, color="0.5", label=r"$\tau$ transport")
    for estimator, ls in (("decay", "--"), ("mean_lag", ":")):
        tau = ds.tau_parameter.sel(estimator=estimator, weight="all")
        draw_median(ax, x, tau, color="0.1", ls=ls, label=rf"$\tau$ param. ({ESTIMATORS[estimator]})")
    ax.set(yscale="log", ylabel=f"{model_label(model)}\ntime scale, steps")
    round_numbers(ax.yaxis)


def draw_median(ax, x, tau, **line):
    """Median over seeds; growth (negative) counts as no decay, and a median without decay is not shown."""
    values = tau.where((tau > 0) | tau.isnull(), np.inf)
    found = values.median("seed")
    (drawn,) = ax.plot(x, found.where(np.isfinite(found)), **line)
    mark_what_is_left_out(ax, drawn, tau.notnull().values)


def draw_relation(ax, ds, model, estimator, relation):
    """Points, and the power law of the table through their middle."""
    x, y, when = points(ds, estimator)
    proper = np.isfinite(x) & np.isfinite(y) & (x > 0) & (y > 0)
    x, y, when = x[proper], y[proper], when[proper]
    ax.scatter(x, y, s=4, color=cell_color(model.split("-")[0]), alpha=0.15 + 0.45 * when, lw=0, rasterized=True)
    if np.isfinite(relation.exponent):
        ends = np.quantile(x, [0.01, 0.99])
        ax.plot(
            ends, np.exp(np.log(y).mean() + relation.exponent * (np.log(ends) - np.log(x).mean())), color="0.1", lw=1
        )
        ax.set_ylim(*np.quantile(y, [0.005, 0.995]) * [0.85, 1.18])
    ax.set(xscale="log", yscale="log", ylabel=rf"$\tau$ param. ({ESTIMATORS[estimator]})")
    round_numbers(ax.xaxis)
    round_numbers(ax.yaxis)
    ax.set_title(said_of(relation))


def points(ds, estimator):
    """(tau.state, tau.param, how late: 0 to 1), flat: units at the last checkpoint, or all networks."""
    if over(ds) == "units":
        last = ds.isel(checkpoint=-1)
        y = last.tau_parameter_unit.sel(estimator=estimator).values.ravel()
        return last.tau_state.values.ravel(), y, np.ones(y.shape)
    y = ds.tau_parameter.sel(estimator=estimator, weight="all").values
    when = np.broadcast_to(np.linspace(0, 1, y.shape[1]), y.shape)
    return ds.tau_state.mean("unit").values.ravel(), y.ravel(), when.ravel()


def said_of(relation):
    """Rank correlation with its interval, from a row of the table."""
    value, low, high = (relation[f"rank_correlation{end}"] for end in ("", "_low", "_high"))
    if not np.isfinite(value):
        return relation.over
    return rf"{relation.over}: $\rho$ = {value:.2f}" + (f" [{low:.2f}, {high:.2f}]" if np.isfinite(low) else "")
