"""The index of a run: what is where, which page explains it, when each part was made, and how long that took."""

import csv
from collections import Counter
from datetime import UTC, datetime, timedelta

import yaml

from engine.common import markdown
from engine.common.machine import machine
from engine.results.netcdf import read_attributes
from workflow.names import FIGURES, FILES, SHOW


def measured_folders():
    """{folder: (what it holds, page)} of what is measured: what the first kind of file there says."""
    found = {}
    for kind in FILES.values():
        found.setdefault(kind.path.split("/")[0], (kind.holds, kind.page))
    return found


FOLDERS = {
    "paper": ("The paper's figures and its Table 1, measured, under their numbers there.", "README.md"),
    "figures": ("All figures, by what they show: see below.", "captions in the report"),
    "tables": ("The tables as pages, for the report.", "docs/reading-results.md"),
    **measured_folders(),
    "logs": ("The log of each job.", "README.md"),
    "benchmarks": ("Time and memory of each job that trains or measures, as Snakemake measured them.", "README.md"),
}
TABLES = {
    "summary": ("Losses and anisotropy of all models, tasks and checkpoints.", "docs/reading-results.md"),
    "table1": ("Table 1 of the paper, measured, task by task.", "docs/theory.md"),
    "claims": ("Each claim of the abstract with its verdict.", "docs/numerics.md"),
    "claim_cases": ("All cases behind the verdicts.", "docs/numerics.md"),
    "coupling": ("Time scales in parameter and state space, and their relation.", "docs/theory.md"),
    "decomposition": ("Gate, optimizer and interaction: shares.", "docs/theory.md"),
    "decomposition_means": ("The means behind these shares.", "docs/theory.md"),
    "differences": ("What the author's released code computes instead, in numbers.", "docs/differences.md"),
}


def folders(results):
    """Rows (dicts) of the folders that are there: files and their times, and the jobs that made them."""
    rows = []
    for name, (holds, page) in FOLDERS.items():
        if files := files_below(results / name):
            row = {"folder": f"`{name}/`", "what it has": holds, "explained in": page, "files": len(files)}
            rows.append(row | made(files) | jobs(files_below(results / "benchmarks" / name)))
    return rows


def tables(results):
    """Rows of the tables that are there."""
    rows = []
    for name, (holds, page) in TABLES.items():
        if files := sorted(results.glob(f"{name}.*")):
            names = ", ".join(f"`{file.name}`" for file in files)
            rows.append({"table": names, "what it has": holds, "explained in": page} | made(files))
    return rows


def figures(results):
    """Rows of the kinds of figures that are there."""
    drawn = [kind for kind in FIGURES if list(results.glob(f"figures/{kind}*"))]
    return [{"figures": f"`figures/{FIGURES[kind]}.pdf`, `.png`", "what they show": SHOW[kind]} for kind in drawn]


def origins(results):
    """A line for each commit, device and set of libraries that NetCDF files name, with the number of these files."""
    found = Counter()
    for file in results.rglob("*.nc"):
        of = read_attributes(file)
        changes = {"yes": ", with changes", "no": ""}.get(of["git_dirty"], "")
        commit = f"commit {of['git_commit']}{changes}, engine {of['engine_sha256'][:12]}"
        found[f"{commit}; on {of['device']} with {of['array_backend']}; {of['library_versions']}"] += 1
    return [f"- {count} files: {origin}" for origin, count in found.items()]


def files_below(folder):
    return [path for path in folder.rglob("*") if path.is_file() and not path.name.startswith(".")]


def made(files):
    """When the first and the last of the files were written, in UTC."""
    times = sorted(datetime.fromtimestamp(file.stat().st_mtime, UTC) for file in files)
    return {"first made": f"{times[0]:%Y-%m-%d %H:%M}", "last made": f"{times[-1]:%Y-%m-%d %H:%M}"}


def jobs(benchmarks):
    """What Snakemake measured of the jobs: their time together, and the largest memory of one; "" where it did not."""
    measured = [row for file in benchmarks for row in read_benchmark(file)]
    if not measured:
        return {"jobs took": "", "largest job": ""}
    memory = [float(row["max_rss"]) for row in measured if row["max_rss"].replace(".", "").isdigit()]
    took = timedelta(seconds=round(sum(float(row["s"]) for row in measured)))
    return {"jobs took": f"{took}", "largest job": f"{max(memory):.0f} MB" if memory else ""}


def read_benchmark(file):
    """Rows of one file of Snakemake's."""
    with open(file, encoding="utf-8", newline="") as text:
        return list(csv.DictReader(text, delimiter="\t"))


def size(config):
    """How many seeds, and units of the networks that the run makes; the user's own have theirs."""
    seeds = len(config["seeds"])
    units = f", {config['units']} units" if {*config["experiments"]} - {"networks"} else ""
    return f"{seeds} seed{'s' if seeds > 1 else ''}{units}."


def page(results, config):
    """The index of the run in the folder `results`, made by the resolved configuration."""
    there = "\n".join(markdown.table(rows) for rows in (folders(results), tables(results), figures(results)) if rows)
    origin = "\n".join(origins(results))
    settings = yaml.safe_dump(config, sort_keys=False, default_flow_style=None, width=120, allow_unicode=True)
    return f"""# Run {config["run"]}

{size(config)} Times are UTC. "Jobs took" adds up the jobs that trained and
measured; the largest job is the one that held the most memory. Pages are those of the repository.

{there}
## Made by

The NetCDF files name what made them:

{origin}

This page was written on {machine()}.

## Configuration

```yaml
{settings.rstrip()}
```

Each NetCDF file has the part of its own job as the attribute `config`.
"""
