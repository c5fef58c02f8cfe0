"""What a run is about to ask for: its longest and its largest job in one line, before the first one starts."""

LARGE = {"mem_mb": 4000, "runtime": 24 * 60}  # MB and minutes; above them a line is logged
KEYS = {  # that lower what a job needs; `seeds_per_job` lowers its time too
    "train": ("units", "T", "batch", "updates"),
    "expansion": ("units", "expansion.T"),
    "effective_lr": ("units", "effective_lr.T", "effective_lr.probe_batch", "effective_lr.pairs"),
    "anisotropy": ("units", "anisotropy.lags", "anisotropy.pairs", "anisotropy.gradients"),
    "gates": ("units", "T", "gates.samples", "gates.probe_batch"),
    "lyapunov": ("units", "lyapunov.T", "lyapunov.samples", "lyapunov.exponents"),
    "autonomous": ("lyapunov.autonomous", "lyapunov.T"),
}


def large_jobs(jobs):
    """A line on the longest and the largest of Snakemake's jobs and the keys that lower them; None if none is large."""
    longest, largest = (max(jobs, key=lambda job: asked(job, what)) for what in ("runtime", "mem_mb"))
    if all(asked(job, what) < LARGE[what] for job, what in ((longest, "runtime"), (largest, "mem_mb"))):
        return None
    hours, gigabytes = asked(longest, "runtime") / 60, asked(largest, "mem_mb") / 1000
    time = f"{hours:.1f} h" if hours < 48 else f"{hours / 24:.0f} days"
    return (
        f"the longest job, {told(longest)}, may take {time} on one slow core "
        f"({lowered_by(longest, 'runtime')}); "
        f"the largest, {told(largest)}, {gigabytes:.3g} GB ({lowered_by(largest, 'mem_mb')})"
    )


def too_large(jobs, megabytes):
    """A line on the largest job if it asks for more memory than there is where it is to run, else None."""
    largest = max(jobs, key=lambda job: asked(job, "mem_mb"))
    if (needed := asked(largest, "mem_mb")) <= megabytes:
        return None
    return (
        f"{told(largest)} needs {needed / 1000:.3g} GB, and this machine or container has {megabytes / 1000:.3g} GB; "
        f"{lowered_by(largest, 'mem_mb')}, or run it where there is more"
    )


def asked(job, what):
    return job.resources.get(what, 0)


def told(job):
    """A job by its rule and wildcards."""
    return " ".join([job.rule.name, *(str(value) for value in job.wildcards if value)])


def lowered_by(job, what):
    """The keys that lower what a job asks for, in words; the units of an imported network are given."""
    own, quantity = job.wildcards.get("network"), job.wildcards.get("quantity", job.rule.name)
    if quantity not in KEYS:
        return "less by `--set-resources`"
    keys = [f"`{key}`" for key in KEYS[quantity] if not (own and key == "units")]
    if what == "runtime" and not own:
        keys.append("`seeds_per_job`")
    return f"less with a smaller {', '.join(keys[:-1])} or {keys[-1]}"
