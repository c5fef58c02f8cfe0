"""[ELR.diag] The effective rate of each unit over the lag, exact and to first order."""

import numpy as np

from engine.figures.style import LOG_10, band, cell_color, panels
from engine.figures.ticks import round_numbers
from engine.verdicts.intervals import mean_interval


def unit_rates_figure(ds, cell):
    """Three panels for one cell and task at the last checkpoint: units over lags, exact and to first order; envelopes.

    In each seed the units are ordered by their exact rate, the mean over lags; what is shown is the mean over seeds.
    """
    figure, ((exact, first, envelopes),) = panels(1, 3, 2.3, width_ratios=(1, 1.15, 1.1))
    last = ds.isel(predictor_checkpoint=-1)
    shown = [relative_rates(last, name) for name in ("log_unit_rate", "log_first_order_unit_rate")]
    low, high = (extreme(shown[0][np.isfinite(shown[0])]) for extreme in (np.min, np.max))
    for ax, rates, title in zip((exact, first), shown, ("exact", "first order"), strict=True):
        mesh = ax.pcolormesh(ds.lag, ds.unit, rates.T, vmin=low, vmax=high, cmap="viridis", rasterized=True)
        ax.set(xlabel="lag $h$", title=title)
        ax.yaxis.get_major_locator().set_params(integer=True)
    exact.set_ylabel("unit, by its rate")
    bar = figure.colorbar(mesh, ax=first, pad=0.02)
    bar.set_label(r"$\log_{10}$ of the rate, relative to lag 1")
    bar.outline.set_linewidth(0.4)
    draw_envelopes(envelopes, last, cell)
    return figure


def relative_rates(last, name):
    """log10 of the rates over the mean exact rate at lag 1, (lag, unit)."""
    order = np.argsort(last.log_unit_rate.mean("lag").values, axis=-1)
    rates = np.take_along_axis(last[name].values, order[:, None, :], axis=-1)
    mean_rate = last.log_envelope.values[:, :1, None] - np.log(rates.shape[-1])
    return mean_interval(rates - mean_rate)[0] / LOG_10


def draw_envelopes(ax, last, cell):
    start = last.log_envelope.isel(lag=0)
    band(ax, last.lag, (last.log_envelope - start) / LOG_10, color=cell_color(cell), label="exact")
    band(ax, last.lag, (last.log_first_order_envelope - start) / LOG_10, color="0.2", ls="--", label="first order")
    round_numbers(ax.yaxis)
    rho, r, ratio = (
        mean_interval(last[f"envelope_{name}"].values)[0] for name in ("rank_correlation", "correlation", "slope_ratio")
    )
    ax.set_title(f"Spearman {rho:.2f}, Pearson {r:.2f}\nratio of slopes {ratio:.2f}")
    ax.set(xlabel="lag $h$", ylabel="$f(h) / f(1)$")
    ax.legend(loc="lower left", handlelength=1.8)
