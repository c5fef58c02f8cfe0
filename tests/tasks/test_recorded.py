"""Sequences from a file in place of a task: batches without repetition, and mistakes in a person's words."""

import numpy as np
import pytest

from engine.losses.cross_entropy import CrossEntropy
from engine.losses.squared_error import SquaredError
from engine.tasks.batches import ensemble_batch, ensemble_starts
from engine.tasks.recorded import Recorded, read_sequences, recorded


def sequences(T=6, n=2, count=9):
    rng = np.random.default_rng(0)
    return {"u": rng.normal(size=(T, count, n)), "y": np.arange(float(count))}


def test_a_batch_is_a_choice_of_the_sequences_without_repetition(tmp_path):
    arrays = sequences()
    np.savez(tmp_path / "a.npz", u=arrays["u"], y=arrays["y"][:, None])
    task = read_sequences(tmp_path / "a.npz")
    u, y, redrawn = ensemble_batch(task, [1, 2], "probe", 0, T=6, n=2, batch=5)
    assert str(task) == "recorded" and not redrawn.any()
    for m in range(2):
        assert len(set(y[m])) == 5
        np.testing.assert_array_equal(u[:, m], np.moveaxis(arrays["u"][:, y[m].astype(int)], 1, 2))
    assert set(y[0]) != set(y[1])
    again, *_ = ensemble_batch(task, [2], "probe", 0, T=6, n=2, batch=5)
    np.testing.assert_array_equal(again[:, 0], u[:, 1])


def test_all_sequences_are_one_batch():
    task = Recorded(np.zeros((6, 2, 9)), np.arange(9.0))
    assert sorted(ensemble_batch(task, [1], "gradient", 0, T=6, n=2, batch=9)[1][0]) == list(range(9))


MISTAKES = {
    "no inputs": ({"u": None}, r"there is no u \(found: y\)"),
    "other arrays": ({"x": np.zeros(9)}, r"unknown arrays x \(allowed: u, y, expected, lengths, x_0\)"),
    "too many expected": (
        {"expected": np.zeros(10)},
        r"expected has shape \(10,\), allowed are .* of the first sequences, at least one and at most 9",
    ),
    "none expected": ({"expected": np.zeros((6, 0, 4))}, r"expected has shape \(6, 0, 4\), allowed .* at least one"),
    "two axes": ({"u": np.zeros((6, 9))}, r"u has shape \(6, 9\), expected is \(time, sequence, channel\)"),
    "targets of other steps": (
        {"y": np.zeros((5, 9))},
        r"y has shape \(5, 9\), allowed are .* the last step, \(9,\) or",
    ),
    "a class below 0": ({"y": np.arange(9) - 1}, "y has -1, and a class is a whole number from 0 on"),
    "two classes a step": ({"y": np.zeros((6, 9, 2), int)}, "y has 2 numbers for each step, and a step has one class"),
    "lengths beyond T": (
        {"lengths": np.full(9, 7)},
        "lengths: found 7, allowed .* each of the 9 sequences, from 1 to T = 6",
    ),
    "half a step": ({"lengths": np.full(9, 2.5)}, r"lengths: found 2\.5, allowed is a whole number of steps"),
    "one initial state": ({"x_0": np.zeros(4)}, r"x_0 has shape \(4,\), expected is \(9, state\)"),
    "not a number": (
        {"y": np.where(np.arange(9) > 3, np.nan, 0)},
        r"y has values that are no finite numbers: y\[4\] is nan$",
    ),
    "not a number within a sequence": (
        {"u": np.where(np.arange(12).reshape(6, 1, 2) > 7, np.inf, np.zeros((6, 9, 2))), "lengths": np.full(9, 5)},
        r"numbers: u\[4, 0, 0\] is inf, at step 4 of sequence 0, counted from 0$",
    ),
    "text": ({"y": np.array(["1"] * 9)}, "y has values that are no finite numbers: they are of type <U1"),
    "three mistakes": (
        {"u": np.full((6, 9), np.nan), "x": np.zeros(9)},
        r"unknown arrays x .*; u has shape \(6, 9\), .*; u has values",
    ),
}


@pytest.mark.parametrize("mistake", MISTAKES)
def test_a_file_that_does_not_fit_is_explained(mistake, tmp_path):
    changes, message = MISTAKES[mistake]
    arrays = {name: array for name, array in (sequences() | changes).items() if array is not None}
    np.savez(tmp_path / "a.npz", **arrays)
    with pytest.raises(ValueError, match=message):
        read_sequences(tmp_path / "a.npz")


STEPS, COUNT, OUTPUTS = 6, 9, 4
NUMBERS = np.random.default_rng(1).normal(size=(STEPS, COUNT, OUTPUTS))
CLASSES = np.arange(STEPS * COUNT).reshape(STEPS, COUNT) % OUTPUTS
READ = {  # y of a file, the loss that is named, the loss, the outputs that it needs, and y (sequence, step, row)
    "a number": (NUMBERS[0, :, 0], None, SquaredError(), 1, NUMBERS[0, :, :1, None]),
    "several numbers": (NUMBERS[0], None, SquaredError(), OUTPUTS, NUMBERS[0][:, None]),
    "a number a step": (NUMBERS[..., 0], None, SquaredError(STEPS), 1, np.swapaxes(NUMBERS[..., :1], 0, 1)),
    "several numbers a step": (NUMBERS, None, SquaredError(STEPS), OUTPUTS, np.swapaxes(NUMBERS, 0, 1)),
    "a class": (CLASSES[0], None, CrossEntropy(), OUTPUTS, CLASSES[0][:, None, None]),
    "a class a step": (CLASSES.astype("u1"), None, CrossEntropy(STEPS), OUTPUTS, CLASSES.T[..., None]),
    "classes as floats": (CLASSES.astype("f4"), "cross_entropy", CrossEntropy(STEPS), OUTPUTS, CLASSES.T[..., None]),
    "counts": (CLASSES[0], "squared_error", SquaredError(), 1, CLASSES[0][:, None, None]),
    "one class": (np.zeros(COUNT, bool), None, CrossEntropy(), 2, np.zeros((COUNT, 1, 1))),
}


@pytest.mark.parametrize("targets", READ)
def test_targets_say_which_loss_reads_them(targets):
    y, name, loss, outputs, expected = READ[targets]
    task = recorded(loss=name, u=np.broadcast_to(np.arange(COUNT)[:, None], (STEPS, COUNT, 2)), y=y)
    assert (task.loss, task.outputs) == (loss, outputs)
    u, found, _ = ensemble_batch(task, [1, 2], "probe", 0, T=STEPS, n=2, batch=5)
    for m, b in np.ndindex(2, 5):
        np.testing.assert_array_equal(
            found[m, ..., b].reshape(loss.steps, -1), expected[int(u[0, m, 0, b])].reshape(loss.steps, -1)
        )


def test_targets_of_every_step_end_with_their_sequence():
    """Those of the last steps, as many as the shortest sequence has."""
    lengths = np.array([6, 5, 4, 3, 3, 4, 5, 6, 3])
    task = recorded(u=np.zeros((STEPS, COUNT, 2)), y=NUMBERS, lengths=lengths)
    assert task.loss == SquaredError(3)
    for s, T in enumerate(lengths):
        np.testing.assert_array_equal(task.y[..., s], NUMBERS[T - 3 : T, s])


def test_a_loss_that_is_unknown_or_reads_no_classes_is_refused():
    with pytest.raises(ValueError, match="unknown loss 'cross_entropi', did you mean 'cross_entropy'"):
        recorded(loss="cross_entropi", **sequences())
    with pytest.raises(ValueError, match=r"y has 0\.5, and a class is a whole number"):
        recorded(loss="cross_entropy", u=sequences()["u"], y=np.arange(9) / 2)


def test_what_the_protocol_asks_and_the_file_has_not_is_refused():
    task = Recorded(np.zeros((6, 2, 9)), np.arange(9.0))
    with pytest.raises(ValueError, match="there are 9, and the protocol asks for 10"):
        task.draw(np.random.default_rng(0), 6, 2, 10)
    with pytest.raises(ValueError, match="u has 2 channels, and the network reads 3"):
        task.check(6, 3)
    with pytest.raises(ValueError, match="T = 6, and the protocol has T = 5"):
        task.check(5, 2)


def test_sequences_of_unequal_length_end_together():
    """What is in u after their end is not read."""
    arrays, lengths = sequences(), np.array([6, 5, 4, 3, 3, 4, 5, 6, 3])
    x_0, expected = np.arange(36.0).reshape(9, 4), np.arange(60.0).reshape(6, 2, 5)
    task = recorded(**arrays, lengths=lengths, x_0=x_0, expected=expected)
    assert task.sizes == (3, 2, 9)
    u, y, _ = ensemble_batch(task, [1, 2], "probe", 0, T=3, n=2, batch=5)
    start = ensemble_starts(task, [1, 2], "probe", 0, 5)
    for m, b in np.ndindex(2, 5):
        chosen = int(y[m, b])
        assert start["begins"][m, b] == 6 - lengths[chosen]
        np.testing.assert_array_equal(u[6 - lengths[chosen] :, m, :, b], arrays["u"][: lengths[chosen], chosen])
        np.testing.assert_array_equal(start["x_0"][m, :, b], x_0[chosen])
    np.testing.assert_array_equal(task.expected[:, 0], expected[:, 0])
    np.testing.assert_array_equal(task.expected[1:, 1], expected[:5, 1])


def test_what_follows_the_end_of_a_sequence_may_be_anything():
    """Inputs, targets and states there, padded with NaN."""
    arrays, lengths = sequences(count=3), np.array([6, 4, 3])
    arrays |= {"y": np.zeros((6, 3)), "expected": np.zeros((6, 2, 5))}
    after = np.arange(6)[:, None] >= lengths
    padded = {name: np.array(array) for name, array in arrays.items()}
    for name, array in padded.items():
        array[after[:, : array.shape[1]]] = np.nan
        assert np.isnan(array).any(), name
    whole, found = (recorded(**given, lengths=lengths) for given in (arrays, padded))
    for name in ("u", "y", "expected"):
        np.testing.assert_array_equal(getattr(found, name), getattr(whole, name))


def test_sequences_may_be_lists():
    task = recorded(u=sequences()["u"].tolist(), y=[*range(9)], lengths=[6, 5, 4, 3, 3, 4, 5, 6, 3])
    assert task.sizes == (3, 2, 9) and task.loss == CrossEntropy()


def test_sequences_of_one_length_begin_at_once():
    assert ensemble_starts(recorded(**sequences()), [1], "probe", 0, 5) == {}


def test_sequences_may_have_no_targets(tmp_path):
    np.savez(tmp_path / "a.npz", u=sequences()["u"])
    task = read_sequences(tmp_path / "a.npz")
    assert not task.has_targets and read_sequences_with_targets(tmp_path).has_targets
    assert ensemble_batch(task, [1], "probe", 0, T=6, n=2, batch=5)[1].shape == (1, 5)


def read_sequences_with_targets(folder):
    np.savez(folder / "b.npz", **sequences())
    return read_sequences(folder / "b.npz")
