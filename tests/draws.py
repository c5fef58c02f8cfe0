"""Draws for test_ahead.py, in a module of their own, which the processes that draw can import."""

import os
import signal
from pathlib import Path

import numpy as np


def numbered(k):
    return np.full((2, 3), k), np.full(3, -k), k


def failing(k):
    if k == 2:
        raise ValueError("no such batch")
    return numbered(k)


def printing(k):
    print("a task that says something")
    return numbered(k)


def dying(k):
    if k == 2:
        os.kill(os.getpid(), signal.SIGKILL)
    return numbered(k)


def leaving_a_trace(folder, k):
    (Path(folder) / str(k)).write_text(str(os.getpid()), encoding="utf-8")
    return numbered(k)


class Odd(Exception):
    def __init__(self, one, other):
        super().__init__(f"{one} and {other}")


def failing_oddly(k):
    if k == 2:
        raise Odd("this", "that")
    return numbered(k)


def growing(k):
    return np.full((2, 3 + (k == 2)), k), np.full(3, -k), k
