"""Two-way decomposition of a measured quantity by gate and optimizer, over paired seeds.

Every cell of the factorial has every seed, and a seed gives all of them the same batches and the same initial values
of common weights. So the sum of squares splits exactly into gate, optimizer, their interaction, the seed, and the
variation of each of these three effects between seeds, which is the error of the effect.
"""

import numpy as np

from engine.verdicts.intervals import jackknife_intervals

EFFECTS = ("gate", "optimizer", "interaction")


def sums_of_squares(y):
    """{source: (...)} for y (gate, optimizer, ..., seed): EFFECTS, "seed", and "gate error" and so on for each effect.

    They add up to the sum of squares about the grand mean.
    """
    gates, optimizers, seeds = y.shape[0], y.shape[1], y.shape[-1]
    y = y - y.mean(axis=(0, 1, -1), keepdims=True)
    gate, optimizer, seed = (y.mean(axis=axes, keepdims=True) for axes in ((1, -1), (0, -1), (0, 1)))
    cell, gate_seed, optimizer_seed = (y.mean(axis=axis, keepdims=True) for axis in (-1, 1, 0))
    parts = {
        "gate": gate,
        "optimizer": optimizer,
        "interaction": cell - gate - optimizer,
        "seed": seed,
        "gate error": gate_seed - gate - seed,
        "optimizer error": optimizer_seed - optimizer - seed,
        "interaction error": y - cell - gate_seed - optimizer_seed + gate + optimizer + seed,
    }
    points = gates * optimizers * seeds
    return {
        name: (part**2).sum(axis=(0, 1, -1)) * (points / (part.shape[0] * part.shape[1] * part.shape[-1]))
        for name, part in parts.items()
    }


def shares(y):
    """eta^2 {source: (...)}: shares of the total sum of squares, "residual" for the three errors together; sum 1."""
    squares = sums_of_squares(y)
    total = sum(squares.values())
    found = {name: squares[name] / total for name in (*EFFECTS, "seed")}
    return found | {"residual": sum(squares[f"{name} error"] for name in EFFECTS) / total}


def adjusted_shares(y):
    """epsilon^2 {effect: (...)}: the share minus that expected from the error alone; near 0 without an effect."""
    squares, free = sums_of_squares(y), degrees_of_freedom(y)
    total = sum(squares.values())
    return {
        name: (squares[name] - squares[f"{name} error"] * free[name] / free[f"{name} error"]) / total
        for name in EFFECTS
    }


def partial_eta_squared(y):
    """{effect: (...)}: the effect's sum of squares over that of the effect and its error."""
    squares = sums_of_squares(y)
    return {name: squares[name] / (squares[name] + squares[f"{name} error"]) for name in EFFECTS}


def degrees_of_freedom(y):
    """{source: count} for the EFFECTS and their errors."""
    gates, optimizers, seeds = y.shape[0] - 1, y.shape[1] - 1, y.shape[-1] - 1
    effects = {"gate": gates, "optimizer": optimizers, "interaction": gates * optimizers}
    return effects | {f"{name} error": count * seeds for name, count in effects.items()}


SIZES = {"share": shares, "adjusted_share": adjusted_shares, "partial_eta_squared": partial_eta_squared}


def rows(y):
    """One dict a source for y (gate, optimizer, seed): every effect size of SIZES with its interval over seeds."""
    table = {}
    for size, of in SIZES.items():
        found = jackknife_intervals(lambda x, of=of: np.stack(list(of(x).values())), y)
        for source, at in zip(of(y), found, strict=True):
            row = table.setdefault(source, {"source": source, "seeds": at.seeds})
            row |= {size: at.value, f"{size}_low": at.low, f"{size}_high": at.high}
    return list(table.values())


def level_means(y):
    """{"gate": [Interval, ...], "optimizer": [...]}: marginal means of y (gate, optimizer, seed), one a level."""
    of = {"gate": lambda x: x.mean(axis=(1, -1)), "optimizer": lambda x: x.mean(axis=(0, -1))}
    return {factor: jackknife_intervals(means, y) for factor, means in of.items()}
