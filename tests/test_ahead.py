"""Batches drawn ahead are those that are drawn in time, in their order."""

import os
import subprocess
import sys
import time
from functools import partial

import draws
import numpy as np
import pytest
from conftest import on_strict

from engine.ahead import drawn_ahead
from engine.backend import to_host
from engine.tasks import TASKS, ensemble_batch

pytestmark = pytest.mark.skipif(not hasattr(os, "memfd_create"), reason="takes Linux, as CUDA does")


def within_ten_seconds(condition):
    end = time.monotonic() + 10
    while not condition() and time.monotonic() < end:
        time.sleep(0.01)
    return condition()


@pytest.mark.parametrize("task", TASKS)
@pytest.mark.parametrize("processes", [1, 3])
def test_the_same_batches_in_the_same_order(task, processes):
    draw = partial(ensemble_batch, task, [1, 2], "train", T=40, n=3, batch=3, dtype="float32")
    found = list(drawn_ahead(draw, range(3, 11), on_strict, processes))
    assert len(found) == 8
    for k, batch in zip(range(3, 11), found, strict=True):
        for x, expected in zip(batch, draw(k), strict=True):
            np.testing.assert_array_equal(to_host(x), expected)
            assert to_host(x).dtype == expected.dtype


@pytest.mark.parametrize("count", [0, 1, 2])
def test_few_batches(count):
    assert [third for _, _, third in drawn_ahead(draws.numbered, range(count), np.array, 4)] == list(range(count))


def test_they_are_drawn_before_they_are_asked_for(tmp_path):
    batches = drawn_ahead(partial(draws.leaving_a_trace, tmp_path), range(100), np.array, 3)
    assert next(batches)[2] == 0
    assert within_ten_seconds(lambda: len(list(tmp_path.iterdir())) == 4)
    drawers = {(tmp_path / str(k)).read_text() for k in (1, 2, 3)}
    assert len(drawers) == 3 and str(os.getpid()) not in drawers
    batches.close()
    assert not any(os.path.exists(f"/proc/{pid}") for pid in drawers)


def test_an_error_while_drawing_ends_the_work_at_its_batch():
    batches = drawn_ahead(draws.failing, range(9), np.array, 4)
    assert [next(batches)[2] for _ in range(2)] == [0, 1]
    with pytest.raises(ValueError, match="no such batch"):
        next(batches)


def test_a_process_that_is_killed_is_named():
    batches = drawn_ahead(draws.dying, range(9), np.array, 4)
    assert [next(batches)[2] for _ in range(2)] == [0, 1]
    with pytest.raises(RuntimeError, match="draws batches ended, with exit code -9"):
        next(batches)


def test_what_a_task_prints_does_no_harm():
    assert [third for _, _, third in drawn_ahead(draws.printing, range(5), np.array, 2)] == list(range(5))


CALLER = """
import os, signal, sys
from functools import partial
import draws
from engine.ahead import drawn_ahead
batches = drawn_ahead(partial(draws.leaving_a_trace, sys.argv[1]), range(9), lambda x: x.copy(), 2)
for _ in range(5):
    next(batches)
os.kill(os.getpid(), signal.SIGKILL)
"""


def test_they_end_with_the_caller_however_it_ends(tmp_path):
    environment = os.environ | {"PYTHONPATH": os.pathsep.join(sys.path)}
    caller = subprocess.run([sys.executable, "-c", CALLER, tmp_path], env=environment)
    assert caller.returncode == -9
    drawers = {path.read_text() for path in tmp_path.iterdir()}
    assert len(drawers) == 3
    assert within_ten_seconds(lambda: not any(os.path.exists(f"/proc/{pid}") for pid in drawers))
