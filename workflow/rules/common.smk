# What the rules share: the checked configuration, file names, and the engine files that a script uses.
import json
import os
import sys
from hashlib import sha256
from pathlib import Path

sys.path.insert(0, workflow.basedir)

from snakemake.exceptions import WorkflowError

from workflow import sizes
from workflow.blocks import seed_blocks
from workflow.config_check import ConfigError, check
from workflow.parts import cell_settings, optimizer_settings
from workflow.sources import sources

try:
    check(config)
except ConfigError as error:
    raise WorkflowError(f"configuration: {error}")

# On a cluster each job reads the configuration again; its results are recorded as made by that of the run.
CONTENT = sha256(json.dumps(config, sort_keys=True).encode()).hexdigest()
if os.environ.setdefault("CONFIGURATION_OF_THE_RUN", CONTENT) != CONTENT:
    raise WorkflowError(
        "configuration: it was edited while the run went on. What is made stays; run again for the rest"
    )

RESULTS = f"results/{config['run']}"
BLOCKS = seed_blocks(config["seeds"], config.get("seeds_per_job"))
SPLIT = set()  # folders below RESULTS whose files are written in blocks of seeds, then joined


wildcard_constraints:
    experiment="[a-z0-9_]+",
    task="[a-z0-9_]+",
    cell="[a-z0-9_]+",
    optimizer="[a-z0-9_]+",
    number="(figure_[0-9]{2}_)?",
    block=r"(\.seeds[0-9]+-[0-9]+)" if len(BLOCKS) > 1 else "()",


def code(script):
    """The engine and workflow files that a script imports: as inputs, so that an edit reruns what depends on them."""
    return sources(f"workflow/scripts/{script}", workflow.basedir)


def seeds_in_job(wildcards):
    """The seeds of a job: its block's where its output is `by_seeds`."""
    return BLOCKS[wildcards.block] if "block" in wildcards.keys() else config["seeds"]


def by_seeds(name):
    """{RESULTS}/{name}.nc as the output of jobs that hold seeds: of one job, or of one a block, which `join` puts together."""
    SPLIT.add(name.partition("/")[0])
    path = f"{RESULTS}/{name}{{block}}.nc"
    return temp(path) if len(BLOCKS) > 1 else path


def megabytes(need):
    """mem_mb: a number, or what a function of workflow/sizes.py finds; times the attempt, for jobs that were killed.

    Threads beyond the first are processes of their own, see engine/training/prefetch.py.
    """

    def held(wildcards, attempt, threads):
        one = job_size(need, wildcards).megabytes if callable(need) else need
        return attempt * (one + 150 * (threads - 1))

    return held


def minutes(need):
    """runtime: as `megabytes`."""
    return lambda wildcards, attempt: attempt * (job_size(need, wildcards).minutes if callable(need) else need)


def job_size(size, wildcards):
    return size(config, wildcards, len(seeds_in_job(wildcards)))
