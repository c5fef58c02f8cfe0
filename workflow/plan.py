"""What a run is about to ask for: its longest and its largest job in one line, before the first one starts."""

import os

LARGE = {"mem_mb": 4000, "runtime": 24 * 60}  # MB and minutes from which a run is told
KEYS = {
    "train": "`units`, `T`, `batch`, `updates` or `seeds_per_job`",
    "expansion": "`units`, `expansion.T` or `seeds_per_job`",
    "effective_lr": "`units`, `effective_lr.T`, `effective_lr.probe_batch` or `seeds_per_job`",
    "anisotropy": "`units`, `anisotropy.lags`, `anisotropy.pairs`, `anisotropy.gradients` or `seeds_per_job`",
    "gates": "`units`, `T`, `gates.samples`, `gates.probe_batch` or `seeds_per_job`",
    "lyapunov": "`units`, `lyapunov.T`, `lyapunov.samples` or `seeds_per_job`",
    "autonomous": "`units` of `lyapunov.autonomous`, `lyapunov.T` or `seeds_per_job`",
}


def large_jobs(jobs):
    """A line on the longest and the largest of Snakemake's jobs and the keys that lower them; None if none is large."""
    longest, largest = (max(jobs, key=lambda job: asked(job, what)) for what in ("runtime", "mem_mb"))
    if all(asked(job, what) < LARGE[what] for job, what in ((longest, "runtime"), (largest, "mem_mb"))):
        return None
    hours = asked(longest, "runtime") / 60
    return (
        f"the longest job, {told(longest)}, may take {hours:.3g} h on one slow core ({lowered_by(longest)}); "
        f"the largest, {told(largest)}, {asked(largest, 'mem_mb') / 1000:.3g} GB ({lowered_by(largest)})"
    )


def check_memory(jobs, megabytes):
    """Raises ValueError where a job asks for more memory than the machine has that is to run it."""
    largest = max(jobs, key=lambda job: asked(job, "mem_mb"))
    if (needed := asked(largest, "mem_mb")) > megabytes:
        raise ValueError(
            f"{told(largest)} needs {needed / 1000:.3g} GB, and this machine has {megabytes / 1000:.3g} GB; "
            f"{lowered_by(largest)}, or run it where there is more"
        )


def memory_of_this_machine():
    """In MB."""
    return os.sysconf("SC_PHYS_PAGES") * os.sysconf("SC_PAGE_SIZE") / 1e6


def asked(job, what):
    return job.resources.get(what, 0)


def told(job):
    """A job by its rule and wildcards."""
    return " ".join([job.rule.name, *(str(value) for value in job.wildcards if value)])


def lowered_by(job):
    quantity = job.wildcards.get("quantity", job.rule.name)
    return f"less with a smaller {KEYS[quantity]}" if quantity in KEYS else "less by `--set-resources`"
