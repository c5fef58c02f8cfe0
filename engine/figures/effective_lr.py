"""Effective learning rates (Figures 3 to 5), and their further predictors."""

import numpy as np

from engine.figures.style import LOG_10, band, cell_color, legend_below, mark_what_is_left_out, panels, plt
from engine.figures.ticks import round_numbers
from engine.verdicts.intervals import mean_interval


def profile_figure(ds, cell):
    """Three panels for one cell and task: profile at the last checkpoint, slope over training, checkpoint by lag."""
    figure, ((profile, slope, heat),) = panels(1, 3, 2.3, width_ratios=(1.1, 0.9, 1.1))
    draw_profile(profile, ds, cell)
    draw_slope(slope, ds, cell)
    draw_heat_map(figure, heat, ds)
    return figure


def draw_profile(ax, ds, cell):
    last = ds.isel(checkpoint=-1)
    log_P = last.log_gate_product
    zeroth = (log_P - log_P.isel(lag=0)) / LOG_10
    lines = [
        band(ax, ds.lag, last.log_normalized_profile / LOG_10, color=cell_color(cell), label="measured"),
        band(ax, ds.lag, zeroth, color="0.35", ls="--", label="zeroth order $P_0$"),
        band(ax, ds.lag, last.log_fitted_power_profile / LOG_10, color="0.1", ls=":", label="fitted power $P_0^s$"),
    ]
    round_numbers(ax.yaxis)
    ax.set(xlabel="lag $h$", ylabel=r"$\mu_\mathrm{eff}(h)\,/\,\mu_\mathrm{eff}(1)$")
    ax.set_title(f"after {int(last.checkpoint)} updates")
    ax.legend(handles=lines, loc="lower left", handlelength=1.8)


def draw_slope(ax, ds, cell):
    color = cell_color(cell)
    for seed in ds.slope:
        ax.plot(ds.checkpoint, seed, color=color, lw=0.5, alpha=0.3)
    band(ax, ds.checkpoint, ds.slope, color=color, marker="o", ms=3)
    low, high = float(ds.r_squared.min()), float(ds.r_squared.max())
    ax.set_title(f"$R^2$: {low:.3f} to {high:.3f}")
    ax.set(xlabel="update", ylabel=r"slope $s$ of $\log S$ on $\log P_0$")


def draw_heat_map(figure, ax, ds):
    profiles = ds.log_normalized_profile.values
    rows = np.arange(ds.sizes["checkpoint"])
    mesh = ax.pcolormesh(ds.lag, rows, mean_interval(profiles)[0] / LOG_10, cmap="viridis", rasterized=True)
    seeds = (~np.isnan(profiles).all(axis=2)).sum(axis=0)
    partial = (f"\n({count} seeds)" if count < len(profiles) else "" for count in seeds)
    ax.set_yticks(rows, [f"{checkpoint}{said}" for checkpoint, said in zip(ds.checkpoint.values, partial, strict=True)])
    ax.set(xlabel="lag $h$", ylabel="update")
    bar = figure.colorbar(mesh, ax=ax, pad=0.02)
    bar.set_label(r"$\log_{10}\,\mu_\mathrm{eff}(h)/\mu_\mathrm{eff}(1)$")
    bar.outline.set_linewidth(0.4)


PREDICTORS = {
    "log_sensitivity": ("measured $S$", {"lw": 1.8}),
    "log_gate_product": ("gates $P_0$", {"ls": "--"}),
    "log_retention_product": ("retention $R_0$", {"ls": "-."}),
    "log_dominant_product": (r"$\|\prod A\|_2$", {"ls": "", "marker": "o", "ms": 4, "mfc": "none"}),
    "log_first_order_product": ("first order in $B$", {"ls": "", "marker": "x", "ms": 3.5}),
}


def predictor_figure(datasets):
    """Predictors of the sensitivity, one panel a cell, and a last one with the gate products unit by unit.

    `datasets` is {cell: dataset} of one task; all curves at the last checkpoint that has them, relative to lag 1.
    """
    multi = {cell: ds for cell, ds in datasets.items() if "log_unit_gate_product" in ds}
    count = len(datasets) + len(multi)
    columns = min(count, 4)
    figure, axes = panels(-(-count // columns), columns, 2.4 * -(-count // columns))
    for ax in axes.flat[count:]:
        ax.remove()
    for ax, (cell, ds) in zip(axes.flat, datasets.items(), strict=False):
        draw_predictors(ax, ds.isel(checkpoint=-1, predictor_checkpoint=-1), cell)
    for ax, (cell, ds) in zip(axes.flat[len(datasets) :], multi.items(), strict=False):
        draw_units(ax, ds.isel(checkpoint=-1), cell)
    axes.flat[0].set_ylabel("relative to lag 1")
    legend_below(figure, axes.flat[:count])
    return figure


def draw_predictors(ax, last, cell):
    shades = plt.get_cmap("Greys")(np.linspace(0.45, 0.95, len(PREDICTORS) - 1))
    colors = [cell_color(cell), *shades]
    for (name, (label, line)), color in zip(PREDICTORS.items(), colors, strict=True):
        relative = (last[name] - last[name].isel(lag=0)) / LOG_10
        if line.get("marker"):  # these lie on the measured line: marks at some lags, so that both can be seen
            mean = mean_interval(relative.values)[0]
            (drawn,) = ax.plot(last.lag, mean, color=color, label=label, markevery=0.08, **line)
            mark_what_is_left_out(ax, drawn, ~np.isnan(relative.values))
        else:
            band(ax, last.lag, relative, color=color, label=label, **line)
    round_numbers(ax.yaxis)
    ax.set_title(cell)
    ax.set(xlabel="lag $h$")


def draw_units(ax, last, cell):
    """Each unit's own gate product, the mean over seeds of every tenth part of the units ordered by it."""
    ordered = np.sort(last.log_unit_gate_product.values, axis=-1) / LOG_10
    shown = ordered[:, :, np.linspace(0, ordered.shape[2] - 1, 11).round().astype(int)]
    for i, line in enumerate(mean_interval(shown)[0].T):
        style = {"lw": 1.8, "alpha": 1} if i == 5 else {"lw": 0.7, "alpha": 0.6}
        (drawn,) = ax.plot(last.lag, line - line[0], color=cell_color(cell), **style)
        if i == 5:
            mark_what_is_left_out(ax, drawn, ~np.isnan(shown[:, :, i]))
    round_numbers(ax.yaxis)
    ax.set_title(f"{cell}: by unit")
    ax.set(xlabel="lag $h$")
