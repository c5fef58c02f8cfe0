"""The pages of docs/ do what they say: their files are written, their commands run, their listings are true."""

import os
import re
import shutil
import subprocess
import sys

from house import ROOT, copy_of_the_house

DOCS = ROOT / "docs"


def blocks(page):
    """(language, file name or "", text) of every fenced block."""
    return re.findall(r"^```(\w+) ?(\S*)\n(.*?)^```$", (DOCS / page).read_text(), re.MULTILINE | re.DOTALL)


def write(folder, kind, name, text):
    """A block with a file name becomes that file; a diff edits it, and must find what it replaces once."""
    path = folder / name
    if kind != "diff":
        path.write_text(text)
        return
    edited = path.read_text()
    for hunk in re.split(r"^@@\n", text, flags=re.MULTILINE):
        lines = hunk.splitlines(keepends=True)
        before, after = ("".join(line[1:] for line in lines if line[0] in f" {sign}") for sign in "-+")
        assert edited.count(before) == 1, f"{name} has not once what docs/ replaces:\n{before}"
        edited = edited.replace(before, after)
    path.write_text(edited)


def shell(folder, commands):
    """Runs the commands in `folder`, in the environment of these tests."""
    environment = {k: v for k, v in os.environ.items() if not k.startswith("PYTEST")}
    environment["PATH"] = f"{os.path.dirname(sys.executable)}{os.pathsep}{environment['PATH']}"
    return subprocess.run(["bash", "-ec", commands], cwd=folder, capture_output=True, text=True, env=environment)


def test_extending_works_as_it_stands(tmp_path):
    """A cell, a task and an optimizer, one file and one registration each: the laws hold, and a run makes figures."""
    folder = copy_of_the_house(tmp_path)
    shutil.copytree(ROOT / "tests", folder / "tests", dirs_exist_ok=True)
    shutil.copy(ROOT / "pyproject.toml", folder)
    for kind, name, text in blocks("extending.md"):
        if kind == "sh":
            said = shell(folder, text)
            assert said.returncode == 0, said.stdout + said.stderr
            if "pytest" in text:
                assert all(f"[{name}" in said.stdout for name in ("mgu", "peak", "lion"))
        else:
            write(folder, kind, name, text)
    made = {str(path.relative_to(folder / "results/mine")) for path in (folder / "results/mine").rglob("*")}
    assert {"effective_lr/peak/mgu.nc", "figures/effective_lr_mgu_peak.pdf"} <= made
