"""How often intervals over seeds cover the truth, and how often a case holds by chance: the tables of docs/numerics.md.

python -m tools.coverage
"""

import numpy as np

from engine.common.markdown import table
from engine.verdicts.coupling import correlation, slope
from engine.verdicts.decomposition import adjusted_shares
from engine.verdicts.intervals import FISHER, LINEAR, jackknife_intervals, mean_interval, median_interval

SEEDS = (3, 5, 10, 20)
CASES = 60  # of a claim: "surely" then stands for the level 1 - 0.05 / CASES
LEVELS = (0.95, 1 - 0.05 / CASES)

# {what: (draw(rng, size), its mean)}
MEANS = {
    "normal": (lambda rng, size: rng.normal(size=size), 0.0),
    "t, 3 degrees": (lambda rng, size: rng.standard_t(3, size), 0.0),
    "lognormal": (lambda rng, size: rng.lognormal(size=size), np.exp(0.5)),
    "lognormal, in logs": (lambda rng, size: np.log(rng.lognormal(size=size)), 0.0),
    "one lognormal minus another": (lambda rng, size: rng.lognormal(size=size) - rng.lognormal(size=size), 0.0),
}


def mean_rates(name, seeds, draws, rng):
    """`rates` of the mean."""
    draw, truth = MEANS[name]
    x = draw(rng, (seeds, draws))
    return rates([mean_interval(x, level)[1:] for level in LEVELS], truth)


def median_rates(seeds, draws, rng):
    """`rates` of the median of normal values, the largest tenth of which is infinite, as what is not resolved."""
    x = rng.normal(size=(draws, seeds))
    x[x > 1.2816] = np.inf
    return rates([np.array([median_interval(row, level)[1:] for row in x]).T for level in LEVELS], 0.0)


def jackknife_rates(name, seeds, draws, rng):
    """`rates` of one of JACKKNIFED."""
    statistic, draw, scale = JACKKNIFED[name]
    ends = [
        [jackknife_intervals(statistic, draw(rng, seeds), level, scale)[0][1:3] for level in LEVELS]
        for _ in range(draws)
    ]
    return rates(np.transpose(ends, (1, 2, 0)), 0.0)


def rates(intervals, truth):
    """{what: share of the draws} from (low, high) at each of LEVELS: the interval covers, or lies to one side."""
    (low, high), (low_surely, high_surely) = intervals
    return {
        "covers": np.mean((low <= truth) & (truth <= high)),
        "above": np.mean(low > truth),
        "below": np.mean(high < truth),
        "surely above": np.mean(low_surely > truth),
        "surely below": np.mean(high_surely < truth),
    }


def share_difference(y):
    """The gate's minus the optimizer's adjusted share."""
    found = adjusted_shares(y)
    return (found["gate"] - found["optimizer"])[None]


def alike(rng, seeds, size=1.0):
    """Values (gate, optimizer, seed), four of each: both matter alike, as much as chance for `size` 1."""
    effect = size * np.linspace(-1, 1, 4)
    return effect[:, None, None] + effect[None, :, None] + rng.normal(size=(4, 4, seeds)) + rng.normal(size=seeds)


def unrelated(rng, seeds):
    """Time scales (2, checkpoint, seed): seeds and checkpoints differ, and the second does not follow the first."""
    return rng.normal(size=(2, 1, seeds)) + 0.5 * rng.normal(size=(2, 4, seeds))


# {what: (statistic, draw(rng, seeds), scale)}; the true value is 0
JACKKNIFED = {
    "difference of shares, no effects": (share_difference, lambda rng, seeds: alike(rng, seeds, 0.0), LINEAR),
    "difference of shares, equal effects": (share_difference, alike, LINEAR),
    "slope over networks": (slope, unrelated, LINEAR),
    "rank correlation over networks": (correlation, unrelated, FISHER),
}


def row(what, seeds, found):
    """A line of the table."""
    return {"what": what, "seeds": seeds} | {key: f"{100 * share:.3g} %" for key, share in found.items()}


def main():
    rng = np.random.default_rng(0)
    print(f"Meant: covers 95 %; above and below 2.5 % each, surely {2.5 / CASES:.2g} % each.\n")
    print(table([row(name, n, mean_rates(name, n, 200_000, rng)) for name in MEANS for n in SEEDS]))
    print(table([row("median, a tenth not resolved", n, median_rates(n, 4000, rng)) for n in SEEDS]))
    print(table([row(name, n, jackknife_rates(name, n, 4000, rng)) for name in JACKKNIFED for n in SEEDS]))


if __name__ == "__main__":
    main()
