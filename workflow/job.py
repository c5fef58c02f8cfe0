"""Logs, error messages and attributes of results, for every script."""

import atexit
import json
import logging
import os
import sys
from hashlib import sha256
from pathlib import Path

from engine.common.files import full_path
from engine.common.memory import keep_freed_memory
from engine.results.provenance import provenance
from workflow.plugins import load, plugins_among

log = logging.getLogger("job")
LOWERED_BY = "fewer seeds by `seeds_per_job`, fewer samples by `batch` of a training or `probe_batch` of a measurement"
at_start = {}  # contents of the code that this job runs


def start(snakemake):
    """Logs to the job's log file and to the terminal; expected errors end the job with their message only."""
    line = logging.Formatter("%(asctime)s %(message)s", "%H:%M:%S")
    for handler in (
        logging.FileHandler(snakemake.log[0], mode="w", encoding="utf-8"),
        logging.StreamHandler(sys.stderr),
    ):
        handler.setFormatter(line)
        logging.root.addHandler(handler)
    for ours in ("engine", "job"):  # libraries tell of their fonts and caches at this level
        logging.getLogger(ours).setLevel(logging.INFO)
    asked = snakemake.resources
    # First in the log: what to raise if the job is killed. (Snakemake shows no scheduler's log after an empty one.)
    log.info("%s: asked for %d MB and %d min", snakemake.rule, asked.mem_mb, asked.runtime)

    atexit.register(say_what_it_took)
    keep_freed_memory()

    def end(kind, error, trace):
        atexit.unregister(say_what_it_took)  # the log ends with the error
        if kind.__name__ == "OutOfMemoryError":  # CuPy's, which need not be there
            log.error("%s: the GPU is too small (%s). What a job holds: %s", snakemake.rule, error, LOWERED_BY)
        elif issubclass(kind, ValueError | RuntimeError) and type(error).__module__ != "numpy.linalg":
            log.error("%s: %s", snakemake.rule, error)
            log.debug("", exc_info=(kind, error, trace))
        else:
            log.error("%s: %s", snakemake.rule, error, exc_info=(kind, error, trace))

    sys.excepthook = end
    at_start.update(contents(snakemake.input.code))
    for path in plugins_among(at_start):
        load(path)


def say_what_it_took():
    """Snakemake's own count of the core-seconds may be half a minute old when a job ends."""
    log.info("took %.1f core-seconds", sum(os.times()[:4]))


def contents(paths):
    return {path: sha256(Path(path).read_bytes()).hexdigest() for path in paths}


def attributes(snakemake, title, dtype, device):
    """Global attributes of the job's result: rule, wildcards and provenance.

    Its params are the resolved configuration; the seeds are a coordinate.

    RuntimeError if the job's code was edited meanwhile: the result would be newer than the edit, but not made by it.
    """
    if edited := [full_path(path) for path, content in contents(at_start).items() if content != at_start[path]]:
        raise RuntimeError(f"edited while this job ran: {', '.join(edited)}. Run again, and the job is made anew")
    settings = {key: value for key, value in snakemake.params.items() if key != "seeds"}
    about = {key: value for key, value in snakemake.wildcards.items() if key != "block"}
    plugins = {Path(path).name: at_start[path] for path in plugins_among(at_start)}
    about |= {"plugins_sha256": plugins} if plugins else {}
    return {"rule": snakemake.rule} | about | provenance(title, settings, dtype, device)


def result_key(snakemake, title, dtype, device):
    """A text of everything that the job's result depends on: a retry has the same key, any other job another one."""
    known = {key: value for key, value in attributes(snakemake, title, dtype, device).items() if "git" not in key}
    return json.dumps([known, list(snakemake.params.seeds)])
