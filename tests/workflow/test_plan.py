"""Before a large run one line names its longest and its largest job; what no machine can hold is refused."""

from types import SimpleNamespace

from snakemake.iocontainers import Wildcards

from workflow.networks import PROTOCOLS
from workflow.plan import KEYS, large_jobs, too_large


def job(rule, mem_mb=800, runtime=11, **wildcards):
    asked = {"mem_mb": mem_mb, "runtime": runtime}
    named = Wildcards(fromdict=wildcards)
    return SimpleNamespace(rule=SimpleNamespace(name=rule), resources=asked, wildcards=named)


def test_a_run_of_small_jobs_is_not_told():
    assert large_jobs([job("train", cell="multi"), job("draw_gates", 1000)]) is None


def test_the_longest_and_the_largest_are_told_with_their_keys():
    said = large_jobs(
        [job("train", 900, 20160, task="adding", cell="lstm"), job("gates", 900), job("anisotropy", 128000)]
    )
    assert "the longest job, train adding lstm, may take 14 days on one slow core" in said and "`updates`" in said
    assert "the largest, anisotropy, 128 GB" in said and "`anisotropy.pairs`" in said


def test_a_network_of_ones_own_is_told_by_its_quantity():
    said = large_jobs([job("measure_network", 5000, network="mine", quantity="gates")])
    assert "measure_network mine gates" in said and "`gates.samples`" in said
    assert "`units`" not in said and "`seeds_per_job`" not in said


def test_fewer_seeds_in_a_job_take_less_time_but_no_less_memory():
    time, memory = large_jobs([job("gates", 5000, 20160, task="adding")]).split("; ")
    assert "`seeds_per_job`" in time and "`seeds_per_job`" not in memory


def test_what_the_machine_cannot_hold_is_refused():
    jobs = [job("train", 7999), job("effective_lr", 9000, cell="lstm")]
    assert too_large(jobs, 9000) is None
    said = too_large(jobs, 8000)
    assert "effective_lr lstm needs 9 GB, and this machine or container has 8 GB; " in said
    assert "`effective_lr.T`" in said


def test_every_computing_rule_has_its_keys():
    assert set(KEYS) == {"train", "autonomous", *PROTOCOLS}
