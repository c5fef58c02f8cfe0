"""A task whose sequences are read from a file of the user."""

from dataclasses import dataclass, replace

import numpy as np

from engine.common.arrays import read_arrays
from engine.common.files import full_path
from engine.common.registry import lookup
from engine.losses import LOSSES, Loss
from engine.losses.cross_entropy import CrossEntropy
from engine.losses.squared_error import SquaredError
from engine.tasks.task import Task

NAMES = ("u", "y", "expected", "lengths", "x_0")


@dataclass(frozen=True, eq=False)
class Recorded(Task):
    """Recorded sequences u (T, n, sequence) and their targets; a batch is a random choice without repetition.

    y is (sequence,), or (step, row, sequence) as the `loss` reads it; None if no targets are known, and a batch then
    has NaN in their place. `expected` holds numbers of the network for the first sequences, from where it was trained:
    states (T, sequence, H), or outputs (sequence,) or (sequence, output) of the last step.

    All sequences end at the last step of u. Those that are shorter begin after `begins` (sequence,) steps, and each
    begins in its x_0 (state, sequence) [NET.start]. Measured are as many of the last steps as the shortest has.
    """

    u: np.ndarray
    y: np.ndarray | None
    expected: np.ndarray | None = None
    begins: np.ndarray | None = None
    x_0: np.ndarray | None = None
    loss: Loss = Task.loss

    name = "recorded"

    @property
    def outputs(self):
        """How many a network must have."""
        return 1 if self.y is None or self.y.ndim == 1 else self.loss.outputs(self.y)

    @property
    def has_targets(self):
        return self.y is not None

    @property
    def sizes(self):
        """T of the shortest sequence, n and the number of sequences."""
        T, n, count = self.u.shape
        return T if self.begins is None else T - int(self.begins.max()), n, count

    def check(self, T, n):
        if n != self.sizes[1]:
            raise ValueError(f"recorded sequences: u has {self.sizes[1]} channels, and the network reads {n}")
        if self.sizes[0] != T:
            raise ValueError(f"recorded sequences: T = {self.sizes[0]}, and the protocol has T = {T}")

    def check_count(self, batch):
        """Raises ValueError if there are fewer sequences than `batch`."""
        if batch > self.sizes[2]:
            raise ValueError(f"recorded sequences: there are {self.sizes[2]}, and the protocol asks for {batch}")

    def draw(self, rng, T, n, batch):
        self.check(T, n)
        chosen = self.choose(rng, batch)
        return self.u[..., chosen], np.full(batch, np.nan) if self.y is None else self.y[..., chosen], 0

    def starts(self, rng, batch):
        return self.starts_of(self.choose(rng, batch))

    def starts_of(self, chosen):
        """x_0 (state, sequence) and `begins` (sequence,) of the sequences `chosen`, as far as they are there."""
        found = {"x_0": self.x_0, "begins": self.begins}
        return {name: values[..., chosen] for name, values in found.items() if values is not None}

    def choose(self, rng, batch):
        """Numbers of the sequences of a batch."""
        self.check_count(batch)
        return rng.choice(self.sizes[2], batch, replace=False)


def read_sequences(path, loss=None):
    """The Recorded sequences of a file with the arrays of `recorded`; ValueError says all that is wrong."""
    found = read_arrays(path)
    try:
        return of_arrays(found, loss)
    except ValueError as error:
        raise ValueError(f"{full_path(path)}: {error}") from error


def recorded(*, loss=None, **arrays):
    """The Recorded sequences u (T, sequence, n) and, if they are there, y, expected, lengths and x_0.

    Targets y are (sequence,) or (sequence, output) of the last step, or (T, sequence) or (T, sequence, output) of every
    step. Whole numbers are classes, unless `loss` names another loss than the cross-entropy. Of each sequence the first
    `lengths` (sequence,) steps are taken; x_0 (sequence, state) is the state before them. ValueError says all that is
    wrong.
    """
    return of_arrays({name: np.asarray(array) for name, array in arrays.items() if array is not None}, loss)


def of_arrays(arrays, loss):
    """`recorded`, from {name: array}."""
    if wrong := list(mistakes(arrays)):
        raise ValueError("; ".join(wrong))
    kind = kind_of_loss(loss, arrays.get("y"))
    u, y, expected, lengths, x_0 = (arrays[name].astype(float) if name in arrays else None for name in NAMES)
    begins = None if lengths is None else len(u) - lengths.astype(int)
    if begins is not None:
        u, expected = to_the_end(u, begins), expected if expected is None else to_the_end(expected, begins)
    x_0 = None if x_0 is None else x_0.T
    task = Recorded(np.moveaxis(u, 2, 1), None, expected, begins, x_0)
    return task if y is None else replace(task, **targets(y, *u.shape[:2], begins, task.sizes[0], kind))


def kind_of_loss(name, y):
    """The class of a loss by its name; without one it is the cross-entropy if y has a type of whole numbers."""
    if name:
        return lookup("loss", name, LOSSES)
    return SquaredError if y is None or y.dtype.kind == "f" else CrossEntropy


def targets(y, T, sequences, begins, measured, kind):
    """{"y": (sequence,) or (step, row, sequence), "loss"} from the y of a file, floats, and the class of the loss.

    Targets of every step are those of the last steps that are `measured`, of each sequence.
    """
    if y.shape[:2] == (T, sequences):
        y = y.reshape(T, sequences, -1)
        y = (y if begins is None else to_the_end(y, begins))[-measured:]
    else:
        y = y.reshape(1, sequences, -1)
    y, loss = np.moveaxis(y, 1, 2), kind(len(y))
    one_number = (loss, loss.outputs(y)) == (SquaredError(), 1)
    return {"y": y[0, 0] if one_number else y, "loss": loss}


def to_the_end(values, begins):
    """Values (time, sequence, ...) of sequences, each moved so that it begins at its step of `begins`; 0 before it."""
    if values.ndim < 3:
        return values
    moved = np.zeros_like(values)
    for s, first in enumerate(begins[: values.shape[1]]):
        moved[first:, s] = values[: len(values) - first, s]
    return moved


def mistakes(found):
    """What is wrong with the arrays {name: array} of a file of sequences; shapes first."""
    if unknown := sorted(found.keys() - NAMES):
        yield f"unknown arrays {', '.join(unknown)} (allowed: {', '.join(NAMES)})"
    u = found.get("u")
    if u is None:
        yield f"there is no u (found: {', '.join(found) or 'nothing'})"
    elif u.ndim != 3:
        yield f"u has shape {u.shape}, expected is (time, sequence, channel)"
    else:
        yield from mistakes_beside(*u.shape[:2], *(found.get(name) for name in NAMES[1:]))
    for name in [name for name in NAMES if name in found]:
        yield from not_finite(name, found)


def not_finite(name, found):
    """[line] if an array has values that are read and no finite numbers, else []: with the first of them.

    Of a sequence nothing is read after its `lengths`.
    """
    array, line = found[name], f"{name} has values that are no finite numbers"
    if array.dtype.kind not in "fiub":
        return [f"{line}: they are of type {array.dtype}"]
    wrong, u, lengths = ~np.isfinite(array), found.get("u"), found.get("lengths")
    by_step = u is not None and u.ndim == 3 and has_steps(name, array, *u.shape[:2])
    if by_step and lengths is not None and right_lengths(lengths, *u.shape[:2]):
        wrong[np.arange(len(u))[:, None] >= lengths[: array.shape[1]]] = False
    if not wrong.any():
        return []
    first = tuple(np.argwhere(wrong)[0].tolist())
    where = f", at step {first[0]} of sequence {first[1]}, counted from 0" if by_step else ""
    return [f"{line}: {name}{[*first]} is {array[first]}{where}"]


def has_steps(name, array, T, sequences):
    """Whether an array has values (time, sequence, ...) of every step; `expected` may be of the first sequences."""
    if name == "expected":
        return array.ndim == 3 and len(array) == T and array.shape[1] <= sequences
    return name in ("u", "y") and array.shape[:2] == (T, sequences)


def right_lengths(lengths, T, sequences):
    """Whether `lengths` are a whole number of steps for each sequence, from 1 to T."""
    return lengths.shape == (sequences,) and np.isin(lengths, range(1, T + 1)).all()


def mistakes_beside(T, sequences, y, expected, lengths, x_0):
    """What in the shapes of the other arrays does not fit the number of sequences of u and their T."""
    if y is not None and not {(sequences,), (T, sequences)} & {y.shape, y.shape[:-1]}:
        yield (
            f"y has shape {y.shape}, allowed are targets of the last step, ({sequences},) or ({sequences}, output), or "
            f"of every step, ({T}, {sequences}) or ({T}, {sequences}, output)"
        )
    if expected is not None and (expected.ndim not in (1, 2, 3) or not 0 < expected.shape[-2:][0] <= sequences):
        yield (
            f"expected has shape {expected.shape}, allowed are states (time, sequence, unit), or the last outputs, "
            f"(sequence,) or (sequence, output), of the first sequences, at least one and at most {sequences}"
        )
    if lengths is not None and not right_lengths(lengths, T, sequences):
        of_each = lengths.shape == (sequences,)
        what = lengths[~np.isin(lengths, range(1, T + 1))][0] if of_each else f"shape {lengths.shape}"
        yield (
            f"lengths: found {what}, allowed is a whole number of steps for each of the {sequences} sequences, from 1 "
            f"to T = {T}"
        )
    if x_0 is not None and (x_0.ndim != 2 or len(x_0) != sequences):
        yield f"x_0 has shape {x_0.shape}, expected is ({sequences}, state): of an LSTM h and c side by side"
