"""What jobs ask a scheduler for: every rule something, more for more, and more at the next attempt."""

from types import SimpleNamespace

import pytest
import yaml
from house import ROOT

from engine.measures import anisotropy
from workflow import sizes

CONFIG = yaml.safe_load((ROOT / "config" / "config.yaml").read_text(encoding="utf-8"))
JOB = SimpleNamespace(experiment="anisotropy", data="one_batch", cell="multi", task="adding")
SIZES = [sizes.training, sizes.expansion, sizes.effective_lr, sizes.anisotropy, sizes.gates, sizes.lyapunov]


@pytest.mark.parametrize("size", SIZES)
def test_a_job_of_the_paper_asks_for_what_any_node_has(size):
    """Targets: 1.5 GB a job, and the 20 seeds in half an hour on two fast cores; so less than a day on a slow one."""
    found = size(CONFIG, JOB, seeds=20)
    assert 800 < found.megabytes <= 1500
    assert 10 < found.minutes < 24 * 60


@pytest.mark.parametrize("size", SIZES)
def test_larger_jobs_ask_for_more(size):
    small, more_seeds = (size(CONFIG, JOB, seeds) for seeds in (20, 40))
    wider = size(CONFIG | {"units": 256}, JOB, 20)
    assert small.megabytes < wider.megabytes
    assert small.operations < more_seeds.operations and small.operations < wider.operations


def test_a_training_set_is_held():
    wide = CONFIG | {"data": {"one_batch": {"sequences": 10**5}}}
    held = 4 * 8e-6 * 10**5 * 120 * 6  # of four members, in double precision
    assert sizes.training(wide, JOB, 20).megabytes == pytest.approx(
        sizes.training(CONFIG, JOB, 20).megabytes + held, rel=0.01
    )


def test_a_cell_with_a_larger_state_asks_for_more():
    cells = CONFIG["cells"] | {"lstm": {}}
    job = SimpleNamespace(experiment="anisotropy", cell="lstm")
    assert sizes.anisotropy(CONFIG | {"cells": cells}, job, 20).megabytes > sizes.anisotropy(CONFIG, JOB, 20).megabytes


def test_the_next_attempt_asks_for_more():
    found = sizes.resources(500, 10, CONFIG, seeds_in_job=len)
    assert [found["mem_mb"]([], attempt, threads=1) for attempt in (1, 2)] == [500, 1000]
    assert found["runtime"]([], 3) == 30


def test_each_thread_beyond_the_first_is_a_process():
    found = sizes.resources(sizes.training, None, CONFIG, seeds_in_job=lambda wildcards: 20)
    one = sizes.training(CONFIG, JOB, 20)
    assert found["mem_mb"](JOB, 1, threads=1) == one.megabytes and found["runtime"](JOB, 1) == one.minutes
    assert found["mem_mb"](JOB, 1, threads=3) == one.megabytes + 2 * sizes.MEGABYTES_OF_A_PROCESS


@pytest.mark.parametrize(
    "size, key", [(sizes.effective_lr, "effective_lr.pairs"), (sizes.lyapunov, "lyapunov.exponents")]
)
def test_a_key_that_is_left_out_lowers_what_a_large_job_asks_for(size, key):
    block, name = key.split(".")
    large = CONFIG | {"units": 512, block: CONFIG[block] | {"T": 500}}
    less = large | {block: large[block] | {name: 8}}
    assert size(less, JOB, 1).operations < size(large, JOB, 1).operations / 30
    assert size(less, JOB, 1).megabytes <= size(large, JOB, 1).megabytes


def test_an_lstm_of_512_units_fits_on_a_small_machine():
    """Along drawn pairs; all of them would take hundreds of gigabytes."""
    large = CONFIG | {"units": 512, "cells": {"lstm": {}}, "effective_lr": CONFIG["effective_lr"] | {"T": 500}}
    drawn = large | {"effective_lr": large["effective_lr"] | {"pairs": 8}}
    job = SimpleNamespace(experiment="effective_lr", cell="lstm")
    assert sizes.effective_lr(drawn, job, 1).megabytes < 4000
    assert sizes.effective_lr(large, job, 1).megabytes > 100_000


def test_the_anisotropy_holds_what_is_planned():
    assert sizes.OF_A_PASS == anisotropy.HELD
    at_once = [anisotropy.pairs_at_once(SimpleNamespace(state_size=H), [1, 40]) for H in (64, 512, 1024, 4096)]
    assert at_once == [16, 12, 3, 1]
