"""Batches drawn ahead are those that are drawn in time, in their order."""

import os
import subprocess
import sys
import threading
import time
from functools import partial
from pathlib import Path

import draws
import numpy as np
import pytest
from conftest import on_strict

from engine.common.backend import to_host
from engine.tasks import TASKS, make_task
from engine.tasks.batches import ensemble_batch
from engine.training.prefetch import prefetched

pytestmark = pytest.mark.skipif(not hasattr(os, "memfd_create"), reason="takes Linux, as CUDA does")


def within_ten_seconds(condition):
    end = time.monotonic() + 10
    while not condition() and time.monotonic() < end:
        time.sleep(0.01)
    return condition()


def is_running(pid):
    """Neither gone nor a zombie that waits for its parent."""
    try:
        return Path(f"/proc/{pid}/stat").read_text(encoding="utf-8").rpartition(")")[2].split()[0] != "Z"
    except FileNotFoundError:
        return False


def children():
    return Path(f"/proc/self/task/{threading.get_native_id()}/children").read_text(encoding="utf-8").split()


@pytest.mark.parametrize("task", TASKS)
@pytest.mark.parametrize("processes", [1, 3])
def test_the_same_batches_in_the_same_order(task, processes):
    draw = partial(ensemble_batch, make_task(task), [1, 2], "train", T=40, n=3, batch=3, dtype="float32")
    found = list(prefetched(draw, range(3, 11), on_strict, processes))
    assert len(found) == 8
    for k, batch in zip(range(3, 11), found, strict=True):
        for x, expected in zip(batch, draw(k), strict=True):
            np.testing.assert_array_equal(to_host(x), expected)
            assert to_host(x).dtype == expected.dtype


@pytest.mark.parametrize("count", [0, 1, 2])
def test_few_batches(count):
    assert [third for _, _, third in prefetched(draws.numbered, range(count), np.array, 4)] == list(range(count))


def test_they_are_drawn_before_they_are_asked_for(tmp_path):
    batches = prefetched(partial(draws.leaving_a_trace, tmp_path), range(100), np.array, 3)
    assert next(batches)[2] == 0
    assert within_ten_seconds(lambda: len(list(tmp_path.iterdir())) == 4)
    drawers = {(tmp_path / str(k)).read_text(encoding="utf-8") for k in (1, 2, 3)}
    assert len(drawers) == 3 and str(os.getpid()) not in drawers
    batches.close()
    assert not any(map(is_running, drawers))


def test_an_error_while_drawing_ends_the_work_at_its_batch():
    batches = prefetched(draws.failing, range(9), np.array, 4)
    assert [next(batches)[2] for _ in range(2)] == [0, 1]
    with pytest.raises(ValueError, match="no such batch") as caught:
        next(batches)
    assert "draws.py" in caught.value.__notes__[0], "where it arose"


def test_an_error_that_pickle_cannot_carry_keeps_its_words():
    with pytest.raises(RuntimeError, match="this and that"):
        list(prefetched(draws.failing_oddly, range(9), np.array, 2))


def test_batches_of_another_shape_are_refused():
    with pytest.raises(ValueError, match=r"batch 2: int64 \(2, 4\), where the first has int64 \(2, 3\)"):
        list(prefetched(draws.growing, range(9), np.array, 2))


def test_a_draw_that_pickle_cannot_carry_starts_nothing():
    before = children()
    with pytest.raises(AttributeError, match="lambda"):
        list(prefetched(lambda k: draws.numbered(k), range(9), np.array, 2))
    assert children() == before


def test_a_process_that_is_killed_is_named():
    batches = prefetched(draws.dying, range(9), np.array, 4)
    assert [next(batches)[2] for _ in range(2)] == [0, 1]
    with pytest.raises(RuntimeError, match="draws batches ended, with exit code -9"):
        next(batches)


def test_what_a_task_prints_does_no_harm():
    assert [third for _, _, third in prefetched(draws.printing, range(5), np.array, 2)] == list(range(5))


CALLER = """
import os, signal, sys
from functools import partial
import draws
from engine.training.prefetch import prefetched
batches = prefetched(partial(draws.leaving_a_trace, sys.argv[1]), range(9), lambda x: x.copy(), 2)
for _ in range(5):
    next(batches)
os.kill(os.getpid(), signal.SIGKILL)
"""


def test_they_end_with_the_caller_however_it_ends(tmp_path):
    environment = os.environ | {"PYTHONPATH": os.pathsep.join(sys.path)}
    caller = subprocess.run([sys.executable, "-c", CALLER, tmp_path], env=environment)
    assert caller.returncode == -9
    drawers = {path.read_text(encoding="utf-8") for path in tmp_path.iterdir()}
    assert len(drawers) == 3
    assert within_ten_seconds(lambda: not any(map(is_running, drawers)))
