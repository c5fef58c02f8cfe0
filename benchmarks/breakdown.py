"""Where the time of a finished run goes: `.venv/bin/python benchmarks/breakdown.py FOLDER`, its folder of results.

Reads what Snakemake has written of each training and measuring job below FOLDER/benchmarks, and core-seconds from the
last line of its log. Prints a table of seconds and core-seconds by rule, beside those of training, and what all others
take beside training; writes them to benchmarks/results/breakdown.md. A run that has not finished will do: the table is
then about the jobs that have.
"""

import argparse
import re
from pathlib import Path

import one_core  # noqa: F401  finds the engine
import pandas as pd
from report import RESULTS, about

from engine.results.netcdf import read_attributes


def jobs(results):
    """One row a job: what it made, its seconds, core-seconds and largest memory in MB."""
    folder = results / "benchmarks"
    rows = [
        pd.read_csv(path, sep="\t").assign(
            rule=path.relative_to(folder).parts[0],
            core_seconds=core_seconds(results / "logs" / path.relative_to(folder).with_suffix(".log")),
        )
        for path in folder.rglob("*.tsv")
    ]
    if not rows:
        raise SystemExit(f"{folder} has no .tsv: name the folder of a finished run, such as results/paper")
    return pd.concat(rows)


def core_seconds(log):
    """What the last line of a job's log says, NaN where it says nothing: of a killed job, or an old one."""
    found = re.search(r"took ([\d.]+) core-seconds\s*$", log.read_text(encoding="utf-8"))
    return float(found[1]) if found else float("nan")


def commit_of_run(results):
    """The commit that trained the run's first network, by its file."""
    return next((read_attributes(path)["git_commit"] for path in sorted(results.rglob("training/**/*.nc"))), "unknown")


def main():
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("results", type=Path, help="such as results/paper")
    results = parser.parse_args().results
    found = jobs(results)
    table = found.groupby("rule").agg(
        jobs=("s", "size"), seconds=("s", "sum"), core_seconds=("core_seconds", "sum"), largest_MB=("max_rss", "max")
    )
    parts = {"all": table, "all but training": table.drop("training", errors="ignore")}
    sums = pd.DataFrame({name: part.sum() for name, part in parts.items()}).T.assign(largest_MB=table.largest_MB.max())
    table = pd.concat([table, sums])
    table["beside_training"] = table.core_seconds / table.core_seconds.get("training", float("nan"))
    table = table.sort_values("core_seconds", ascending=False)
    where = about("numpy", "snakemake") | {
        "commit": commit_of_run(results),
        "to reach": "all but training at most 0.8 of training, in core-seconds",
    }
    lines = ["# Where the time of a run goes", "", *(f"- {key}: {value}" for key, value in where.items()), ""]
    text = "\n".join([*lines, table.to_markdown(floatfmt=("", ".0f", ".0f", ".0f", ".0f", ".2f"))]) + "\n"
    (RESULTS / "breakdown.md").write_text(text, encoding="utf-8")
    print(text)


if __name__ == "__main__":
    main()
