"""First-order expansion of the product of Jacobians (Figures 1 and 2)."""

import numpy as np

from engine.figures.style import cell_color, panels


def expansion_figure(ds, cell):
    """Four panels: truncation error, normalized remainder, norms of A and B by step, their ratio."""
    figure, ((error, remainder), (norms, ratio)) = panels(2, 2, 4.4)
    color = cell_color(cell)
    draw_error(error, ds, color)
    quartiles(remainder, ds.epsilon, ds.normalized_remainder, color=color, marker="o", ms=3)
    low, high = np.log10(ds.normalized_remainder.quantile([0.25, 0.75], "seed"))
    decades = 10.0 ** np.array([np.floor(low.min()), np.ceil(high.max())])
    remainder.set(xscale="log", yscale="log", xlabel=r"$\varepsilon$", ylabel=r"$C_2 = E/\varepsilon^2$", ylim=decades)
    quartiles(norms, ds.step, ds.dominant_norm, color="0.3", label=r"$\|A_t\|_2$")
    quartiles(norms, ds.step, ds.correction_norm, color=color, label=r"$\|B_t\|_2$")
    norms.set(xlabel="step $t$", ylabel="spectral norm", ylim=(0, None))
    norms.legend()
    draw_ratio(ratio, ds, color)
    return figure


def draw_error(ax, ds, color):
    quartiles(ax, ds.epsilon, ds.truncation_error, color=color, marker="o", ms=3, label="median and quartiles")
    slope = ds.error_slope.values
    middle = ds.truncation_error.median("seed")
    ax.plot(ds.epsilon, middle[0] * (ds.epsilon / ds.epsilon[0]) ** 2, color="0.3", ls="--", label="slope 2")
    ax.set(xscale="log", yscale="log", xlabel=r"$\varepsilon$", ylabel=r"$E = \|F(\varepsilon) - T_1(\varepsilon)\|_F$")
    low, high = slope.min(), slope.max()
    ax.set_title(f"fitted slope {np.median(slope):.4f}, from {low:.4f} to {high:.4f}")
    ax.legend(loc="upper left")


def draw_ratio(ax, ds, color):
    ratio = ds.correction_ratio.values.ravel()
    ax.hist(ratio, bins=40, color=color, alpha=0.8, linewidth=0)
    median = np.median(ratio)
    ax.axvline(median, color="0.2", lw=0.8, ls="--")
    ax.set_title(f"median {median:.3f}, 99% below {np.quantile(ratio, 0.99):.3f}")
    ax.set(xlabel=r"$r_t = \|B_t\|_2\,/\,\|A_t\|_2$", ylabel="steps of all seeds")


def quartiles(ax, x, values, **line):
    """Median over seeds as a line, the interquartile range as a band; neither where a seed has no value."""
    low, middle, high = (values.quantile(q, "seed", skipna=False) for q in (0.25, 0.5, 0.75))
    (drawn,) = ax.plot(x, middle, **line)
    ax.fill_between(x, low, high, color=drawn.get_color(), alpha=0.25, linewidth=0)
