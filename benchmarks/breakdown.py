"""Where the time of a finished run goes: `.venv/bin/python benchmarks/breakdown.py FOLDER`, its folder of results.

From what Snakemake has recorded of each job, and from the job's log: the engine's time is that which progress lines
count; imports, reading, writing and drawing are the rest of a job. Prints a table, and writes it to
benchmarks/results/breakdown.md.
"""

import argparse
import json
import re
from collections import Counter
from pathlib import Path

import one_core  # noqa: F401  finds the engine
from report import RESULTS, about

SPENT = re.compile(r"\| (\d+) s spent, 0 s left$")


def jobs(results):
    """(rule, seconds, seconds in the engine) of each job whose results lie in a folder."""
    found = {}  # by log, of which a job has one; every output of it has a record
    for path in (results.parents[1] / ".snakemake" / "metadata").iterdir():
        job = json.loads(path.read_text(encoding="utf-8"))
        log = next((results.parents[1] / name for name in job["log"]), None)
        if log and log.is_relative_to(results) and log.exists():
            found[log] = job["rule"], job["endtime"] - job["starttime"], in_engine(log)
    return found.values()


def in_engine(log):
    spent = [int(m[1]) for line in log.read_text(encoding="utf-8").splitlines() if (m := SPENT.search(line))]
    return max(spent, default=0)


def main():
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("results", type=Path, help="such as results/paper")
    found = jobs(parser.parse_args().results.resolve())
    count, whole, inside = Counter(), Counter(), Counter()
    for rule, seconds, computed in found:
        count[rule] += 1
        whole[rule] += seconds
        inside[rule] += computed
    total = sum(whole.values())
    lines = ["# Where the time of a run goes", "", *(f"- {k}: {v}" for k, v in about("numpy", "snakemake").items())]
    lines += ["", "| rule | jobs | seconds | share | of these in the engine |", "|---|---|---|---|---|"]
    for rule, seconds in whole.most_common():
        row = rule, count[rule], f"{seconds:.0f}", f"{seconds / total:.1%}", f"{inside[rule] / seconds:.0%}"
        lines.append("| " + " | ".join(map(str, row)) + " |")
    lines.append(f"| all | {len(found)} | {total:.0f} | 100% | {sum(inside.values()) / total:.0%} |")
    (RESULTS / "breakdown.md").write_text("\n".join(lines) + "\n", encoding="utf-8")
    print("\n".join(lines))


if __name__ == "__main__":
    main()
