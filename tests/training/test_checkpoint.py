"""Work that was cut off goes on to the same bits, and only from what was kept by itself."""

import logging

import numpy as np
import pytest
from conftest import DEVICES, small_cell

from engine.common.backend import CPU
from engine.optimizers import OPTIMIZERS, make_optimizer
from engine.optimizers.adam import Adam
from engine.training import checkpoint
from engine.training.checkpoint import Resume
from engine.training.train import train

SEEDS = [3, 1, 4, 1 + 4, 9]
PROTOCOL = {"T": 6, "batch": 3, "updates": 20, "checkpoints": [0, 7, 20], "members_per_pass": 2}
TREE = {
    "k": np.array(3),
    "probes": [[np.ones(2), np.zeros((1, 3))], [np.ones(2), np.eye(3)]],
    "records": [{"a": np.ones(1)}],
}


@pytest.fixture(autouse=True)
def at_every_update(monkeypatch):
    monkeypatch.setattr(checkpoint, "INTERVAL", 0)


def same(a, b):
    if isinstance(a, dict):
        return a.keys() == b.keys() and all(same(a[key], b[key]) for key in a)
    if isinstance(a, list | tuple):
        return len(a) == len(b) and all(same(x, y) for x, y in zip(a, b, strict=True))
    return np.array_equal(a, b, equal_nan=True) and np.asarray(a).dtype == np.asarray(b).dtype


def test_what_is_kept_comes_back(tmp_path):
    first = Resume(tmp_path / "r.npz", "key")
    assert first.tree("0") is None
    first.keep("0", TREE)
    first.keep("10", {"k": np.array(5)})
    first.write()
    again = Resume(tmp_path / "r.npz", "key")
    assert same(again.tree("0"), TREE)
    assert again.tree("10") == {"k": 5} and again.tree("1") is None
    again.remove()
    assert list(tmp_path.iterdir()) == []


def test_what_is_kept_is_a_copy(tmp_path):
    resume, x = Resume(tmp_path / "r.npz", "key"), np.zeros(2)
    resume.keep("0", {"x": x})
    x += 1
    assert resume.tree("0")["x"].tolist() == [0, 0]


def test_what_was_kept_by_another_is_ignored(tmp_path):
    other = Resume(tmp_path / "r.npz", "key")
    other.keep("0", TREE)
    other.write()
    assert Resume(tmp_path / "r.npz", "another key").tree("0") is None


@pytest.mark.parametrize("length", [0, 100, 700])
def test_a_damaged_file_is_named_and_ignored(tmp_path, length, caplog):
    resume = Resume(tmp_path / "r.npz", "key")
    resume.keep("0", TREE)
    resume.write()
    (tmp_path / "r.npz").write_bytes((tmp_path / "r.npz").read_bytes()[:length])
    assert Resume(tmp_path / "r.npz", "key").tree("0") is None
    assert "r.npz cannot be read" in caplog.text and "starts anew" in caplog.text


def test_work_goes_on_where_nothing_can_be_written(tmp_path, caplog):
    (tmp_path / "file").write_text("no folder", encoding="utf-8")
    resume = Resume(tmp_path / "file" / "r.npz", "key")
    resume.keep("0", TREE)
    resume.write()
    assert "r.npz could not be written" in caplog.text


class Cut(Exception):
    """What cuts a training off."""


def trained(path, rule, device=CPU, cut_after=None, key="key", **changes):
    """A training, or its beginning up to `cut_after` calls of the rate."""
    calls = 0

    def rate(k):
        nonlocal calls
        calls += 1
        if calls == cut_after:
            raise Cut
        return 0.05 / (1 + k)

    resume = Resume(path, key) if path else None
    changes |= PROTOCOL | {"device": device, "resume": resume}
    return train(small_cell("multi"), rule, rate, "adding", SEEDS, **changes), calls


# Passes of 21 calls each (the last checkpoint has a step of its own): within the first one, before and after a
# checkpoint, at the end of one, and within the others.
@pytest.mark.parametrize("cut_after", [2, 7, 9, 21, 22, 23, 50])
@pytest.mark.parametrize("name", OPTIMIZERS)
def test_a_training_goes_on_to_the_same_bits(tmp_path, caplog, name, cut_after):
    caplog.set_level(logging.INFO)
    rule = make_optimizer(name)
    sound, all_calls = trained(None, rule)
    with pytest.raises(Cut):
        trained(tmp_path / "r.npz", rule, cut_after=cut_after)
    resumed, calls = trained(tmp_path / "r.npz", rule)
    assert same(resumed, sound)
    assert "goes on from update" in caplog.text
    # What was kept is not computed again: only the update that was cut off, and a pass's last step, which is kept late.
    assert calls <= all_calls - cut_after + 2


@pytest.mark.parametrize("cut_after", [4, 8, 30])
@pytest.mark.parametrize("device", [CPU, DEVICES["strict"]], ids=["numpy", "strict"])
def test_a_training_on_a_set_goes_on_to_the_same_bits(tmp_path, device, cut_after):
    """Of 7 sequences, three an update: cut off within an epoch."""
    with_set = {"device": device, "sequences": 7, "probe_batch": 4}
    sound, _ = trained(None, Adam(), **with_set)
    with pytest.raises(Cut):
        trained(tmp_path / "r.npz", Adam(), cut_after=cut_after, **with_set)
    assert same(trained(tmp_path / "r.npz", Adam(), **with_set)[0], sound)


def test_a_training_cut_off_again_and_again(tmp_path):
    sound, _ = trained(None, Adam())
    for _ in range(5):
        with pytest.raises(Cut):
            trained(tmp_path / "r.npz", Adam(), cut_after=10)
    assert same(trained(tmp_path / "r.npz", Adam())[0], sound)


def test_a_training_on_other_arrays_goes_on(tmp_path):
    """As on a device: what is kept moves to the host and back."""
    sound, _ = trained(None, Adam(), DEVICES["strict"])
    with pytest.raises(Cut):
        trained(tmp_path / "r.npz", Adam(), DEVICES["strict"], cut_after=9)
    assert same(trained(tmp_path / "r.npz", Adam(), DEVICES["strict"])[0], sound)


def test_a_training_with_another_key_starts_anew(tmp_path):
    with pytest.raises(Cut):
        trained(tmp_path / "r.npz", Adam(), cut_after=9)
    _, calls = trained(tmp_path / "r.npz", Adam(), key="other settings")
    assert calls == trained(None, Adam())[1]
