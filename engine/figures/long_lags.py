"""How soon finite lags reach their limit, the largest Lyapunov exponent, and the time scales beside it."""

import numpy as np

from engine.figures.style import cell_color, legend_below, mean_band, model_label, panels
from engine.figures.ticks import round_numbers
from engine.figures.time_scales import draw_median


def long_lags_figure(datasets):
    """A row for each model, from {model: (gates, lyapunov) datasets} of one task.

    Left: the time scales over training. Right: log S_h / h at the last checkpoint, and the exponent that it tends to.
    """
    figure, axes = panels(len(datasets), 2, 1.75 * len(datasets) + 0.4)
    for (scales, rates), (model, (gates, lyapunov)) in zip(axes, datasets.items(), strict=True):
        draw_time_scales(scales, gates, lyapunov, model)
        draw_rates(rates, gates.isel(checkpoint=-1), lyapunov.isel(checkpoint=-1), model)
    axes[-1, 0].set_xlabel("update")
    axes[-1, 1].set_xlabel("lag $h$")
    legend_below(figure, axes.flat)
    return figure


def draw_time_scales(ax, gates, lyapunov, model):
    """Medians over seeds; no decay is not shown."""
    limit = -1 / lyapunov.lyapunov_exponent.isel(exponent=0)
    color = cell_color(model.split("-")[0])
    draw_median(ax, lyapunov.checkpoint, limit, color=color, lw=1.8, marker="o", ms=2.5, label=r"$-1/\lambda_1$")
    draw_median(ax, gates.checkpoint, gates.tau_transport, color="0.5", label=r"$\tau$ transport, from $\log S$")
    draw_median(ax, gates.checkpoint, gates.tau_state.median("unit"), color="0.1", ls="-.", label=r"$\tau$ state")
    tau_parameter = gates.tau_parameter.sel(estimator="decay", weight="all")
    draw_median(ax, gates.checkpoint, tau_parameter, color="0.1", ls="--", label=r"$\tau$ param. (decay)")
    ax.set(yscale="log", ylabel=f"{model_label(model)}\ntime scale, steps")
    round_numbers(ax.yaxis)


def draw_rates(ax, gates, lyapunov, model):
    """Means over seeds with their intervals."""
    color, h = cell_color(model.split("-")[0]), gates.lag.values[1:]
    rates = gates.log_transport_norm.values[:, 1:] / h
    mean_band(ax, h, rates, color="0.5", label=r"$\log S_h / h$")
    limit = np.repeat(lyapunov.lyapunov_exponent.isel(exponent=0).values[:, None], 2, axis=1)
    mean_band(ax, h[[0, -1]], limit, color=color, ls="--", label=r"$\lambda_1$")
    ax.set(xscale="log", ylabel="rate, 1 / step")
    round_numbers(ax.xaxis)
