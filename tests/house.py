"""A copy of the repository to run the workflow in, as a user does: what the tests of the workflow share."""

import os
import shutil
import subprocess
import sys
import time
from pathlib import Path

ROOT = Path(__file__).parent.parent
PARTS = ("Snakefile", "environment.yml", "config", "engine", "profiles", "workflow")
SMOKE = ("--configfile", "config/smoke.yaml")


def snakemake(folder, *words):
    """Runs Snakemake in `folder`, as a user does."""
    command = [sys.executable, "-m", "snakemake", "--cores", "2", *words]
    return subprocess.run(command, cwd=folder, capture_output=True, text=True, env=environment())


def snakemake_started(folder, *words):
    """A Snakemake at work, in a group of processes of its own; what it says goes to the file `said` in `folder`."""
    command = [sys.executable, "-m", "snakemake", *words]
    with open(folder / "said", "w", encoding="utf-8") as said:
        return subprocess.Popen(
            command, cwd=folder, stdout=said, stderr=subprocess.STDOUT, env=environment(), start_new_session=True
        )


def wait_until(condition, seconds):
    """Waits for what should come true within `seconds`, and fails where it does not."""
    for _ in range(int(10 * seconds)):
        if condition():
            return
        time.sleep(0.1)
    raise AssertionError(f"not within {seconds} s")


def environment():
    """That of the tests, as in a container (text is ASCII) and in a notebook (with its backend of Matplotlib)."""
    kept = {name: value for name, value in os.environ.items() if not name.startswith("PYTEST")}
    return kept | {"LC_ALL": "C", "PYTHONUTF8": "0", "MPLBACKEND": "module://matplotlib_inline.backend_inline"}


def copy_of_the_house(folder, root=ROOT):
    """What the workflow needs, without results, copied into `folder`; what Numba has compiled goes along."""
    for part in PARTS:
        if (root / part).is_dir():
            shutil.copytree(root / part, folder / part)
        elif (root / part).exists():
            shutil.copy(root / part, folder / part)
    return folder


def planned(folder, *words, config=SMOKE):
    """{rule: number of jobs} of a dry run."""
    said = snakemake(folder, *config, "--dry-run", *words)
    assert said.returncode == 0, said.stderr
    lines = (said.stdout + said.stderr).splitlines()
    if "job" not in " ".join(lines) or not any(line.startswith("total") for line in lines):
        return {}
    start = next(i for i, line in enumerate(lines) if line.startswith("Job stats"))
    table = [line.split() for line in lines[start + 3 :]]
    return {row[0]: int(row[1]) for row in table[: next(i for i, row in enumerate(table) if row[0] == "total")]}
