"""Batches drawn ahead are those that are drawn in time, in their order."""

import threading

import numpy as np
import pytest
from conftest import on_strict

from engine.ahead import AHEAD, drawn_ahead
from engine.backend import to_host
from engine.tasks import ensemble_batch


def test_the_same_batches_in_the_same_order():
    def draw(k):
        return ensemble_batch("narma10", [1, 2], "train", k, T=12, n=2, batch=3, dtype="float32")

    for k, (u, y, redrawn) in zip(range(3, 12), drawn_ahead(draw, range(3, 12), on_strict), strict=True):
        for found, expected in zip((u, y, redrawn), draw(k), strict=True):
            np.testing.assert_array_equal(to_host(found), expected)


def test_they_are_drawn_before_they_are_asked_for():
    drawn = [threading.Event() for _ in range(AHEAD + 1)]

    def draw(k):
        if k < len(drawn):
            drawn[k].set()
        return k, k

    batches = drawn_ahead(draw, range(100), lambda x: x)
    assert next(batches) == (0, 0)
    assert all(event.wait(10) for event in drawn)
    batches.close()


def test_an_error_while_drawing_ends_the_work_at_its_batch():
    def draw(k):
        if k == 2:
            raise ValueError("no such batch")
        return k, k

    batches = drawn_ahead(draw, range(9), lambda x: x)
    assert [next(batches)[0] for _ in range(2)] == [0, 1]
    with pytest.raises(ValueError, match="no such batch"):
        next(batches)
