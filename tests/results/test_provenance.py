"""Provenance tells the truth: which code, whether it is what was committed, which configuration and device."""

import json
import os
import subprocess

import pytest

from engine.common.backend import CPU
from engine.results import provenance


@pytest.fixture
def root(tmp_path, monkeypatch):
    """A repository with a small engine, committed."""
    monkeypatch.setattr(provenance, "ROOT", tmp_path)
    for name in ("engine/a.py", "engine/room/b.py", "engine/room/b.cu", "engine/notes.txt", "README.md"):
        (tmp_path / name).parent.mkdir(exist_ok=True, parents=True)
        (tmp_path / name).write_text(f"this is {name}", encoding="utf-8")
    git(tmp_path, "init", "--quiet")
    git(tmp_path, "add", ".")
    git(tmp_path, "-c", "user.name=a", "-c", "user.email=a@b", "commit", "--quiet", "-m", "all")
    return tmp_path


def git(folder, *words):
    return subprocess.run(["git", *words], cwd=folder, check=True, capture_output=True, text=True).stdout.strip()


@pytest.mark.parametrize("name", ["engine/a.py", "engine/room/b.py", "engine/room/b.cu"])
def test_an_edit_of_the_engine_changes_its_hash(root, name):
    before = provenance.engine_hash()
    (root / name).write_text("edited", encoding="utf-8")
    edited = provenance.engine_hash()
    (root / name).rename((root / name).with_stem("renamed"))
    assert len({before, edited, provenance.engine_hash()}) == 3


@pytest.mark.parametrize("name", ["engine/notes.txt", "README.md"])
def test_nothing_else_changes_the_hash_of_the_engine(root, name):
    before = provenance.engine_hash()
    (root / name).write_text("edited", encoding="utf-8")
    os.utime(root / "engine" / "a.py", (0, 0))
    assert provenance.engine_hash() == before


def test_files_that_swap_their_contents_are_an_edit(root):
    before = provenance.engine_hash()
    a, b = root / "engine" / "a.py", root / "engine" / "room" / "b.py"
    text = a.read_text(encoding="utf-8")
    a.write_text(b.read_text(encoding="utf-8"), encoding="utf-8")
    b.write_text(text, encoding="utf-8")
    assert provenance.engine_hash() != before


def test_git_state_is_the_commit_and_whether_tracked_files_differ_from_it(root):
    commit = git(root, "rev-parse", "HEAD")
    (root / "results.nc").write_text("not tracked", encoding="utf-8")
    assert provenance.git_state() == (commit, "no")
    (root / "README.md").write_text("edited", encoding="utf-8")
    assert provenance.git_state() == (commit, "yes")
    git(root, "add", "README.md")
    assert provenance.git_state() == (commit, "yes"), "an edit that is staged is not committed"


def test_outside_a_repository_nothing_is_known(tmp_path, monkeypatch):
    monkeypatch.setattr(provenance, "ROOT", tmp_path)
    assert provenance.git_state() == ("unknown", "unknown")


def test_the_attributes_say_what_was_asked_for_and_where_it_ran(root):
    settings = {"protocol": {"T": 12, "lags": [1, 4]}, "cell": {"kind": "leaky", "options": {"alpha": 0.3}}}
    found = provenance.provenance("a test", settings, "float32", CPU)
    assert json.loads(found["config"]) == settings
    assert (found["git_commit"], found["git_dirty"]) == provenance.git_state()
    assert found["engine_sha256"] == provenance.engine_hash()
    assert (found["title"], found["dtype"], found["device"], found["array_backend"]) == (
        "a test", "float32", "cpu", CPU.backend
    )  # fmt: skip
