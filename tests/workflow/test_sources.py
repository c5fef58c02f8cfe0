"""Which files a job depends on: all that its code imports, and of what is registered only what it uses."""

import os
from pathlib import Path

import pytest
import yaml
from house import ROOT

from workflow.parts import part_files
from workflow.sources import REGISTRIES, sources

CONFIG = yaml.safe_load((ROOT / "config" / "config.yaml").read_text(encoding="utf-8"))
SCRIPTS = sorted(path.stem for path in (ROOT / "workflow" / "scripts").glob("*.py"))
READING = [name for name in SCRIPTS if name.startswith("draw_")]
READING += ["claims", "coupling", "differences_page", "join", "steps", "summary", "table1", "table_pages"]


def inputs(script, **names):
    """Paths from the root of what a job depends on whose wildcards are `names`."""
    return set(sources(f"workflow/scripts/{script}.py", ROOT, **part_files(CONFIG, names)))


def rooms(paths):
    return {path.split("/")[1] for path in paths if path.startswith("engine/")}


def test_a_training_depends_on_its_own_cell_task_and_optimizer():
    found = inputs("train", experiment="anisotropy", cell="multi", task="adding", optimizer="sgd")
    parts = {path for path in found if rooms([path]) & {"cells", "tasks", "optimizers"}}
    ours = {f"cells/{name}.py" for name in ("multi", "gated", "terms", "cell")}
    ours |= {f"tasks/{name}.py" for name in ("marks", "task", "batches")}
    ours |= {f"optimizers/{name}.py" for name in ("sgd", "rule", "ranges", "schedules")}
    kept_beside = {"optimizers/adam.py", "optimizers/adam_beside.py"}  # Adam's second moments, whatever the rule
    assert parts == {f"engine/{name}" for name in ours | kept_beside}
    assert {"engine/network/gradient_cuda.py", "engine/network/gradient.cu"} <= found


@pytest.mark.parametrize("script", SCRIPTS)
def test_no_job_depends_on_what_is_registered_beside_what_it_uses(script):
    found = inputs(script, cell="gru", task="ar2", optimizer="adam")
    assert not found & set(REGISTRIES.values())
    assert not found & {"engine/cells/lstm.py", "engine/tasks/sinmix.py", "engine/optimizers/momentum.py"}


def test_a_measurement_depends_on_what_it_measures_and_on_no_training():
    found = inputs("measure", cell="lstm", task="ar2", optimizer="sgd")
    assert {"engine/cells/lstm.py", "engine/tasks/ar2.py"} <= found
    assert not rooms(found) & {"training", "optimizers"}
    assert not [path for path in found if "importing" in path or "formats" in path]  # readers of networks of others


def test_a_network_of_ones_own_names_its_parts_in_its_entry():
    networks = {"mine": {"cell": "slow", "task": "recall"}, "recorded": {"cell": "gru", "data": "sequences.npz"}}
    config = CONFIG | {"cells": {"slow": {"kind": "leaky", "alpha": 0.1}, "gru": {}}, "networks": networks}
    found = {name: part_files(config, {"network": name}) for name in networks}
    ends = {
        name: {kind: [Path(path).name for path in paths] for kind, paths in files.items()}
        for name, files in found.items()
    }
    assert ends == {"mine": {"cell": ["leaky.py"], "task": ["marks.py"]}, "recorded": {"cell": ["gru.py"]}}


def test_a_stack_depends_on_the_cells_of_its_layers(monkeypatch):
    monkeypatch.setitem(CONFIG["cells"], "deep", {"kind": "stack", "layers": ["gru", {"kind": "multi"}]})
    found = inputs("train", cell="deep", task="adding", optimizer="sgd")
    cells = {path.rpartition("/")[2] for path in found if rooms([path]) == {"cells"}}
    assert cells == {f"{name}.py" for name in ("cell", "stack", "by_input", "gru", "multi", "gated", "terms")}


@pytest.mark.parametrize("script", READING)
def test_what_reads_results_depends_on_nothing_that_computes_them(script):
    """So an edit of a kernel, say of engine/network/gradient.cu, draws no figure and joins no file by itself."""
    found = inputs(script, cell="multi", task="adding", optimizer="sgd")
    assert not rooms(found) & {"cells", "tasks", "optimizers", "network", "training", "products"}


def test_a_file_outside_the_repository_brings_what_it_imports(tmp_path):
    plugin = tmp_path / "mine.py"
    plugin.write_text("from engine.cells import CELLS\nfrom engine.cells.lstm import LSTM\n", encoding="utf-8")
    found = sources("workflow/scripts/import_network.py", ROOT, cell=(str(plugin),))
    assert os.path.relpath(plugin, ROOT) in found
    assert "engine/cells/lstm.py" in found and "engine/cells/gru.py" not in found
