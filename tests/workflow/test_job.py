"""How a job ends: its log says why in a person's words, with a traceback only where the fault is ours."""

import json
import logging
import re
import sys
from types import SimpleNamespace

import pytest

from engine.common.backend import CPU
from workflow.job import attributes, say_what_it_took, start


class OutOfMemoryError(Exception):
    """By its name, as CuPy's."""


@pytest.fixture
def end(tmp_path, monkeypatch):
    """end(error) -> what the log of a job says that ends with it."""
    monkeypatch.setattr(sys, "excepthook", sys.excepthook)
    before = logging.root.handlers[:]
    asked = SimpleNamespace(mem_mb=900, runtime=10)
    start(SimpleNamespace(log=[tmp_path / "log"], rule="train", resources=asked, input=SimpleNamespace(code=[])))

    def said(error):
        sys.excepthook(type(error), error, None)
        return (tmp_path / "log").read_text(encoding="utf-8")

    yield said
    for handler in set(logging.root.handlers) - set(before):
        logging.root.removeHandler(handler)
        handler.close()


def test_what_the_job_asked_for_comes_first(end):
    assert "train: asked for 900 MB and 10 min" in end(ValueError("a mistake")).splitlines()[0]


def test_what_a_job_took_is_said_as_the_breakdown_reads_it(end):
    say_what_it_took()
    assert re.search(r"took [\d.]+ core-seconds\s*$", end(ValueError("a mistake")).splitlines()[1])


def test_a_mistake_is_told_in_its_words_alone(end):
    assert end(ValueError("alpha = 2 is too large")).splitlines()[-1].endswith("train: alpha = 2 is too large")


def test_a_device_that_is_too_small_is_told_with_what_lowers_the_need(end):
    said = end(OutOfMemoryError("allocating 5 bytes (allocated so far: 7 bytes)")).splitlines()[-1]
    assert "train: the GPU is too small (allocating 5 bytes (allocated so far: 7 bytes))" in said
    assert "`seeds_per_job`" in said and "`probe_batch`" in said


def test_what_nobody_expected_is_told_whole(end):
    assert "KeyError: 'no such name'" in end(KeyError("no such name"))


def test_a_result_says_its_rule_its_wildcards_and_the_params_of_its_job():
    """Seeds are a coordinate, and a block of them is joined with the others."""
    snakemake = SimpleNamespace(
        rule="anisotropy",
        params={"protocol": {"T": 12, "lags": [1, 4]}, "seeds": [1, 2]},
        wildcards={"task": "adding", "cell": "multi", "block": ".seeds1-2"},
    )
    found = attributes(snakemake, "a test", "float64", CPU)
    assert json.loads(found["config"]) == {"protocol": {"T": 12, "lags": [1, 4]}}
    assert (found["rule"], found["task"], found["cell"]) == ("anisotropy", "adding", "multi")
    assert "block" not in found
