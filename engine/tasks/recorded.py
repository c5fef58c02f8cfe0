"""A task whose sequences are read from a file of the user."""

from dataclasses import dataclass

import numpy as np

from engine.common.arrays import read_arrays
from engine.common.files import full_path
from engine.tasks.task import Task

NAMES = ("u", "y", "expected")


@dataclass(frozen=True, eq=False)
class Recorded(Task):
    """Recorded sequences u (T, n, sequence), y (sequence,); a batch is a random choice without repetition.

    y is None if no targets are known, and a batch then has NaN in their place. `expected` holds numbers of the network
    for the first sequences, from where it was trained: states (T, sequence, H), or outputs (sequence,).
    """

    u: np.ndarray
    y: np.ndarray | None
    expected: np.ndarray | None = None

    name = "recorded"

    @property
    def has_targets(self):
        return self.y is not None

    @property
    def sizes(self):
        """T, n and the number of sequences."""
        return self.u.shape

    def check(self, T, n):
        if (T, n) != self.sizes[:2]:
            found = "T = {}, n = {}".format(*self.sizes[:2])
            raise ValueError(f"recorded sequences: {found}, where the network and its protocol have T = {T}, n = {n}")

    def check_count(self, batch):
        """Raises ValueError if there are fewer sequences than `batch`."""
        if batch > self.sizes[2]:
            raise ValueError(f"recorded sequences: there are {self.sizes[2]}, and the protocol asks for {batch}")

    def draw(self, rng, T, n, batch):
        self.check(T, n)
        self.check_count(batch)
        chosen = rng.choice(self.sizes[2], batch, replace=False)
        return self.u[..., chosen], np.full(batch, np.nan) if self.y is None else self.y[chosen], 0


def read_sequences(path):
    """The Recorded sequences of a file with the arrays of `recorded`; ValueError says all that is wrong."""
    found = read_arrays(path)
    try:
        return recorded(**found)
    except ValueError as error:
        raise ValueError(f"{full_path(path)}: {error}") from error


def recorded(**arrays):
    """The Recorded sequences u (T, sequence, n) and, if they are there, y (sequence,) and expected.

    ValueError says all that is wrong.
    """
    if wrong := list(mistakes(arrays)):
        raise ValueError("; ".join(wrong))
    u, y, expected = (arrays[name].astype(float) if name in arrays else None for name in NAMES)
    return Recorded(np.moveaxis(u, 2, 1), None if y is None else y.reshape(-1), expected)


def mistakes(found):
    """What is wrong with the arrays {name: array} of a file of sequences; shapes first."""
    if unknown := sorted(found.keys() - NAMES):
        yield f"unknown arrays {', '.join(unknown)} (allowed: {', '.join(NAMES)})"
    u, y, expected = (found.get(name) for name in NAMES)
    if u is None:
        yield f"there is no u (found: {', '.join(found) or 'nothing'})"
    elif u.ndim != 3:
        yield f"u has shape {u.shape}, expected is (time, sequence, channel)"
    else:
        yield from mistakes_beside(u.shape[1], y, expected)
    for name in [name for name in NAMES if name in found]:
        if found[name].dtype.kind not in "fiub" or not np.isfinite(found[name]).all():
            yield f"{name} has values that are no finite numbers"


def mistakes_beside(sequences, y, expected):
    """What in the shapes of y and expected does not fit the number of sequences of u."""
    if y is not None and y.shape not in ((sequences,), (sequences, 1)):
        yield f"y has shape {y.shape}, expected is one target a sequence, ({sequences},)"
    if expected is not None and (expected.ndim not in (1, 3) or not 0 < expected.shape[-2:][0] <= sequences):
        yield (
            f"expected has shape {expected.shape}, allowed are states (time, sequence, unit) or outputs (sequence,) of "
            f"the first sequences, at least one and at most {sequences}"
        )
