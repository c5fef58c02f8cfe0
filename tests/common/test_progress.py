"""Progress of long work: when a line is written, and the time that it says is left."""

import logging
from types import SimpleNamespace

import pytest

from engine.common import progress


@pytest.fixture
def clock(monkeypatch, caplog):
    """Its `now` is the time that Progress reads; lines go to caplog."""
    caplog.set_level(logging.INFO)
    found = SimpleNamespace(now=100.0)
    monkeypatch.setattr(progress, "time", SimpleNamespace(monotonic=lambda: found.now))
    return found


def test_steps_that_were_done_before_took_no_time(clock, caplog):
    """10 steps in 8 s, so 30 more take 24 s, however many were skipped."""
    work = progress.Progress("work", 100)
    work.skip(60)
    clock.now += 8
    work.advance(10)
    assert caplog.messages == ["work 70/100 | 8 s spent, 24 s left"]


def test_a_line_is_written_after_each_interval_and_at_the_end(clock, caplog):
    work, asked = progress.Progress("work", 8, interval=5), []
    for _ in range(8):
        clock.now += 2
        work.advance(note=lambda: asked.append(work.done) or f"note {work.done}")
    assert asked == [3, 6, 8], "a note is asked for where a line is written, and nowhere else"
    assert caplog.messages[1:] == [
        "work 6/8 | note 6 | 12 s spent, 4 s left",
        "work 8/8 | note 8 | 16 s spent, 0 s left",
    ]
