"""Selects the numbers of a claim's test from results, by its declaration. config/claims.yaml explains the keys."""

from collections.abc import Callable
from itertools import product
from typing import NamedTuple

import numpy as np

from engine.common.registry import lookup
from engine.verdicts.decomposition import EFFECTS, adjusted_shares

CLAIM_KEYS = {"id", "sentence", "reading", "tests"}
REQUIRED = {"statistic", "source", "quantity", "direction"}
TEST_KEYS = REQUIRED | {"transform", "at", "each", "of", "against", "share", "than", "margin", "command"}
SHARE_KEYS = {"larger", "smaller"}
DECOMPOSED = {"statistic", "source", "quantity"}
DIRECTIONS = ("greater", "less", "different", "within")
MODEL = ("cell", "optimizer")
TRANSFORMS = {
    "none": lambda x: x,
    "log10": np.log10,
    "log10_rest": lambda x: np.log10(1 - x),  # of a share close to 1, as R^2
    "abs": np.abs,
}


class Measured(NamedTuple):
    """Contents of a results file."""

    arrays: dict  # {name: (dimensions, array)}
    coords: dict  # {dimension: values}


class Results(NamedTuple):
    """Access to the results of a run."""

    tasks: dict  # {source: names of its tasks}
    cells: list  # of the factorial
    optimizers: list
    read: Callable  # read(source, task, cell, optimizer) gives Measured; None if it was not measured


class Case(NamedTuple):
    """A test with one task and one choice of the values under its key `each`."""

    task: str
    chosen: str  # in words
    by_seed: np.ndarray | None  # (seed,), or (cell, optimizer, seed) for shares; None if a part was not measured


class Selection(NamedTuple):
    """One quantity of one model, and its coordinates `at`."""

    source: str
    cell: str
    optimizer: str
    at: dict


def check(document):
    """Raises ValueError, naming the claim, if a declaration has an unknown key or value, or lacks one."""
    for claim in document["claims"]:
        owner = f"claim {claim.get('id', '?')}"
        require(owner, claim, CLAIM_KEYS, CLAIM_KEYS)
        for test in claim["tests"]:
            require(owner, test, TEST_KEYS, REQUIRED)
            lookup(f"{owner}: direction", test["direction"], dict.fromkeys(DIRECTIONS))
            lookup(f"{owner}: transform", test.get("transform", "none"), TRANSFORMS)
            if ("share" in test) == ("of" in test):
                raise ValueError(f"{owner}: {test['statistic']!r} needs either `of` or `share`")
            if "share" in test:
                require(owner, test["share"], SHARE_KEYS, SHARE_KEYS)
                for side in ("larger", "smaller"):
                    lookup(f"{owner}: {side}", test["share"][side], dict.fromkeys(EFFECTS))
            if test["direction"] == "within" and "margin" not in test:
                raise ValueError(f"{owner}: {test['statistic']!r} says `within` and so needs a `margin`")
    for entry in document.get("decompositions", ()):
        owner = f"decomposition {entry.get('statistic', '?')}"
        require(owner, entry, DECOMPOSED | {"transform", "at", "each"}, DECOMPOSED)
        lookup(f"{owner}: transform", entry.get("transform", "none"), TRANSFORMS)


def require(owner, found, allowed, needed):
    """Raises ValueError for a key that is not allowed, or that is needed and missing."""
    for key in found:
        lookup(f"{owner}: key", key, dict.fromkeys(sorted(allowed)))
    for key in sorted(needed - set(found)):
        raise ValueError(f"{owner}: the key {key!r} is missing")


def cases(test, results):
    """Every Case of a test, or of an entry of the decompositions, with Results."""
    for task in results.tasks.get(test["source"], ()):
        for choice in choices(test):
            selections = selected(test, choice, results)
            values = [seed_values(test, results.read(s.source, task, s.cell, s.optimizer), s.at) for s in selections]
            chosen = ", ".join(f"{key} {value}" for key, value in choice.items())
            yield Case(task, chosen, combined(test, values, results))


def files(document, results):
    """Every (source, task, cell, optimizer) that the claims and decompositions read."""
    tests = [test for claim in document["claims"] for test in claim["tests"]]
    found = {
        (s.source, task, s.cell, s.optimizer)
        for test in [*tests, *document.get("decompositions", ())]
        for task in results.tasks.get(test["source"], ())
        for choice in choices(test)
        for s in selected(test, choice, results)
    }
    return sorted(found)


def choices(test):
    """Each combination of the values under the test's key `each`, as {key: value}."""
    each = test.get("each", {})
    return [dict(zip(each, values, strict=True)) for values in product(*each.values())]


def selected(test, choice, results):
    """The Selections of a test: `of`, then `against`; without `of`, all of the factorial, optimizers within cells."""
    at = test.get("at", {}) | {key: value for key, value in choice.items() if key not in MODEL}
    if "of" not in test:
        return [Selection(test["source"], *model, at) for model in product(results.cells, results.optimizers)]
    model = {"cell": "", "optimizer": ""} | test["of"] | {key: choice[key] for key in MODEL if key in choice}
    sides = [model] + ([model | test["against"]] if "against" in test else [])
    return [Selection(test["source"], s["cell"], s["optimizer"], at | s.get("at", {})) for s in sides]


def seed_values(test, measured, at):
    """(seeds, values) of one selection, (seed,) each; None if the file, or a coordinate in it, was not measured."""
    if measured is None:
        return None
    dims, x = lookup(f"quantity of {test['source']}", test["quantity"], measured.arrays)
    with np.errstate(divide="ignore", invalid="ignore"):
        x = TRANSFORMS[test.get("transform", "none")](x)
    dims = list(dims)
    for dim, value in at.items():
        if dim not in dims:
            raise ValueError(f"{test['quantity']} has no dimension {dim!r} (it has {', '.join(dims)})")
        axis = dims.index(dim)
        x = taken(x, axis, value, np.asarray(measured.coords[dim]).tolist())
        if x is None:
            return None
        del dims[axis]
    if dims != ["seed"]:
        left = ", ".join(dim for dim in dims if dim != "seed")
        raise ValueError(f"{test['quantity']}: say under `at` which {left} is meant")
    return tuple(np.asarray(measured.coords["seed"]).tolist()), x


def taken(x, axis, at, values):
    """x at one of the `values` of an axis, at its "first" or "last", its "mean", "median", or mean of {"last": n}."""
    if isinstance(at, dict):
        last = np.take(x, range(-min(at["last"], len(values)), 0), axis)
        return last.mean(axis=axis)
    if at in values:
        return np.take(x, values.index(at), axis)
    reductions = {"mean": np.mean, "median": np.median}
    if at in reductions:
        return reductions[at](x, axis=axis)
    ends = {"first": 0, "last": -1}
    return np.take(x, ends[at], axis) if at in ends else None


def combined(test, found, results):
    """Values of the statistic (seed,), differences within seeds, or a factorial (cell, optimizer, seed)."""
    if any(part is None for part in found):
        return None
    seeds, values = zip(*found, strict=True)
    if len(set(seeds)) > 1:
        raise ValueError(f"{test['statistic']!r} compares files of different seeds: {sorted(set(seeds))}")
    if "of" not in test:
        return np.stack(values).reshape(len(results.cells), len(results.optimizers), -1)
    return values[0] - values[1] if len(values) > 1 else values[0]


def statistic(test):
    """The function (cell, optimizer, ..., seed) -> number of a test of shares: the larger minus the smaller one."""
    larger, smaller = test["share"]["larger"], test["share"]["smaller"]

    def difference(y):
        found = adjusted_shares(y)
        return found[larger] - found[smaller]

    return difference
