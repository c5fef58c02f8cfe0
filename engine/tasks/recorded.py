"""A task whose sequences are read from a file of the user."""

from dataclasses import dataclass

import numpy as np

from engine.common.arrays import read_arrays
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
    """The Recorded sequences of a file with u (T, sequence, n) and, if they are there, y (sequence,) and expected.

    ValueError says what is wrong.
    """
    found = read_arrays(path)
    if unknown := sorted(found.keys() - NAMES):
        raise ValueError(f"{path}: unknown arrays {', '.join(unknown)} (allowed: {', '.join(NAMES)})")
    if "u" not in found:
        raise ValueError(f"{path}: there is no u (found: {', '.join(found) or 'nothing'})")
    u, y, expected = (found.get(name) for name in NAMES)
    if u.ndim != 3:
        raise ValueError(f"{path}: u has shape {u.shape}, expected is (time, sequence, channel)")
    if y is not None and y.shape not in ((u.shape[1],), (u.shape[1], 1)):
        raise ValueError(f"{path}: y has shape {y.shape}, expected is one target a sequence, ({u.shape[1]},)")
    if expected is not None and (expected.ndim not in (1, 3) or expected.shape[-2:][0] > u.shape[1]):
        raise ValueError(
            f"{path}: expected has shape {expected.shape}, allowed are states (time, sequence, unit) or outputs "
            f"(sequence,) of the first sequences, of which there are {u.shape[1]}"
        )
    for name, values in (("u", u), ("y", y), ("expected", expected)):
        if values is not None and not (np.isrealobj(values) and np.isfinite(values).all()):
            raise ValueError(f"{path}: {name} has values that are no finite numbers")
    y, expected = (None if values is None else values.astype(float) for values in (y, expected))
    return Recorded(np.moveaxis(u, 2, 1).astype(float), None if y is None else y.reshape(-1), expected)
