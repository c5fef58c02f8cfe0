"""Imported networks side by side: effective rates, anisotropy, gradients by lag, and time scales of units."""

import numpy as np

from engine.figures.style import LOG_10, legend_below, many_style, panels
from engine.figures.ticks import round_numbers


def networks_figure(networks):
    """Four panels from {name: {"effective_lr", "anisotropy", "gates": dataset}}, a colour and line for each network."""
    figure, axes = panels(2, 2, 4.0)
    rates, anisotropy, gradients, scales = axes.flat
    scales.set_xscale("log")
    for i, (name, measured) in enumerate(networks.items()):
        ds = {quantity: part.isel(seed=0, checkpoint=-1) for quantity, part in measured.items()}
        line = many_style(i) | {"label": name}
        rates.plot(ds["effective_lr"].lag, ds["effective_lr"].log_normalized_profile / LOG_10, **line)
        anisotropy.plot(ds["anisotropy"].lag, np.log10(ds["anisotropy"].jacobian_anisotropy), marker="o", ms=3, **line)
        if "log_gradient_norm" in ds["gates"]:  # a network without a loss has none
            norms = ds["gates"].log_gradient_norm.sel(weight="all")
            gradients.plot(norms.lag, (norms - norms[0]) / LOG_10, **line)
        tau = ds["gates"].tau_state
        if (tau > 0).all():  # a cell that retains nothing has none
            scales.ecdf(tau, **line)
    rates.set(xlabel="lag $h$", ylabel=r"$\mu_\mathrm{eff}(h)\,/\,\mu_\mathrm{eff}(1)$", title="Effective rates")
    anisotropy.set(xlabel="lag $h$", ylabel="AI of propagation", title="Anisotropy")
    gradients.set(xlabel="lag $h$", ylabel=r"$\|G_h\|\,/\,\|G_0\|$", title="Gradient by lag")
    scales.set(xlabel="time scale of a unit (steps)", ylabel="share of units", title="Time scales of states")
    for ax in (rates, anisotropy, gradients):
        ax.xaxis.get_major_locator().set_params(integer=True)
    for axis in (rates.yaxis, anisotropy.yaxis, gradients.yaxis, scales.xaxis):
        round_numbers(axis)
    legend_below(figure, axes.flat)
    return figure
