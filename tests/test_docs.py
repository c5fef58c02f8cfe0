"""The pages of docs/ do what they say: their files are written, their commands run, their listings are true."""

import os
import re
import shutil
import subprocess
import sys
from hashlib import sha256
from pathlib import Path

import matplotlib.pyplot as plt
import numpy as np
import pytest
from house import ROOT, copy_of_the_house

from engine.results.netcdf import load
from tools.list_files import kind_of, page
from workflow.names import FILES

DOCS = ROOT / "docs"
NAMES_IN_PATHS = {name for kind in FILES.values() for name in re.findall(r"{(\w+)}", kind.path)}


def blocks(page):
    """(language, file name or "", text) of every fenced block."""
    return re.findall(
        r"^```(\w+) ?(\S*)\n(.*?)^```$", (DOCS / page).read_text(encoding="utf-8"), re.MULTILINE | re.DOTALL
    )


def shell(folder, commands):
    """Runs the commands in `folder`, in the environment of these tests."""
    environment = {k: v for k, v in os.environ.items() if not k.startswith("PYTEST")}
    environment["PATH"] = f"{os.path.dirname(sys.executable)}{os.pathsep}{environment['PATH']}"
    return subprocess.run(["bash", "-ec", commands], cwd=folder, capture_output=True, text=True, env=environment)


def test_extending_works_as_it_stands(tmp_path):
    """A cell, a task, an optimizer and a measured quantity: the laws hold, and a run makes their files."""
    folder = copy_of_the_house(tmp_path)
    for part in ("tests", "tools", "docs", "pyproject.toml", "PAPER_MAP.md", "README.md", "Makefile"):
        (shutil.copytree if (ROOT / part).is_dir() else shutil.copy)(ROOT / part, folder / part)
    for kind, name, text in blocks("extending.md"):
        if kind == "sh":
            said = shell(folder, text)
            assert said.returncode == 0, said.stdout + said.stderr
            if "pytest" in text:
                assert all(f"[{name}" in said.stdout for name in ("mgu", "peak", "lion"))
                assert "test_effective_rank_counts_directions" in said.stdout
        elif kind == "diff":
            (folder / "change.diff").write_text(text, encoding="utf-8")
            said = shell(folder, "git apply change.diff")
            assert said.returncode == 0, said.stderr
        else:
            (folder / name).write_text(text, encoding="utf-8")
    made = {str(path.relative_to(folder / "results/mine")) for path in (folder / "results/mine").rglob("*")}
    measured = {
        f"{kind}/fresh/{task}/mgu.nc" for kind in ("effective_lr", "effective_rank") for task in ("peak", "copy")
    }
    assert measured | {"figures/effective_lr/fresh/peak/mgu.pdf"} <= made
    assert "| `effective_rank/` " in (folder / "results/mine/README.md").read_text(encoding="utf-8")


def test_own_networks_are_measured_as_the_page_says(tmp_path):
    """All of it is planned; one measurement on recorded sequences is made."""
    folder = copy_of_the_house(tmp_path)
    rng = np.random.default_rng(0)
    np.savez(folder / "sequences.npz", u=rng.normal(size=(50, 260, 3)), y=rng.normal(size=260))
    for kind, name, text in blocks("own-networks.md"):
        if kind == "sh":
            planned = shell(folder, text.strip() + " --dry-run")
            assert planned.returncode == 0, planned.stderr
            assert (planned.stdout + planned.stderr).count("networks/recorded/") >= 5
            measured = shell(folder, text.strip() + " -- results/mine/networks/recorded/gates.nc")
            assert measured.returncode == 0, measured.stderr
        elif name:
            (folder / name).write_text(text, encoding="utf-8")
    gates = load(folder / "results/mine/networks/recorded/gates.nc")
    assert gates.sizes["lag"] == 50 and "recorded on recorded" in gates.title
    for holds, file in (("weights", "config/example_gru.safetensors"), ("sequences", "sequences.npz")):
        content = sha256((folder / file).read_bytes()).hexdigest()
        assert gates.attrs[f"{holds}_file"] == Path(file).name and gates.attrs[f"{holds}_sha256"] == content


def test_the_notebook_measures_and_draws(monkeypatch):
    monkeypatch.chdir(ROOT)
    said = {}
    for _, _, code in blocks("notebook.md"):
        exec(code, said)
    assert said["rates"].log_sensitivity.sizes == {"seed": 1, "checkpoint": 1, "lag": 39}
    content = sha256((ROOT / "config/example_gru.safetensors").read_bytes()).hexdigest()
    assert said["rates"].weights_sha256 == content and "git_commit" in said["rates"].attrs
    assert all(plt.figure(number).axes[0].lines for number in plt.get_fignums())
    plt.close("all")


def test_results_are_read_and_drawn_as_the_page_says(smoke):
    script = "\n".join(text for _, _, text in blocks("reading-results.md"))
    folder = smoke[0]
    (folder / "draw_profiles.py").write_text(script.replace("results/paper", "results/smoke"), encoding="utf-8")
    said = shell(folder, "python -W error draw_profiles.py")
    assert said.returncode == 0, said.stderr
    assert (folder / "profiles.png").stat().st_size > 5000


def test_every_variable_of_every_file_is_on_the_page(smoke):
    """Written anew from the smoke run: python -m tools.list_files results/smoke > docs/files.md"""
    found = page(smoke[0] / "results" / "smoke").splitlines()
    assert found == (DOCS / "files.md").read_text(encoding="utf-8").splitlines()


def test_a_file_is_known_by_its_path():
    for kind, about in FILES.items():
        assert kind_of(f"{about.path}.nc".format_map({name: "a_b" for name in NAMES_IN_PATHS})) == kind
    with pytest.raises(ValueError, match="no kind"):
        kind_of("effective_lr/adding.nc")


@pytest.mark.parametrize("name", ["theory.md", "numerics.md"])
def test_formulas_survive_markdown(name):
    """No formula has characters that the Markdown of a code host could change."""
    text = re.sub(r"`[^`\n]*`", "", (DOCS / name).read_text(encoding="utf-8"))
    assert text.count("$") % 2 == 0
    formulas = re.findall(r"\$\$([^$]+)\$\$|\$([^$\n]+)\$", text)
    broken = re.compile(r"\\[^a-zA-Z]|[*|<]|[^a-zA-Z0-9]_")
    assert len(formulas) > 10
    assert [part for formula in formulas for part in formula if broken.search(part)] == []
