"""The rooms of the engine: what is in one imports only from itself and from rooms above it (engine/__init__.py)."""

import ast
import re
from pathlib import Path

import pytest
from house import ROOT

import engine

ROOMS = re.findall(r"^(\w+) {2,}", engine.__doc__, re.MULTILINE)
RANK = {room: i for i, room in enumerate(ROOMS)}
FILES = sorted((ROOT / "engine").glob("*/*.py"))


def rooms_imported(path):
    """Rooms that a file imports from."""
    for node in ast.walk(ast.parse(path.read_text(encoding="utf-8"))):
        names = [a.name for a in node.names] if isinstance(node, ast.Import) else [getattr(node, "module", None) or ""]
        yield from (name.split(".")[1] for name in names if name.startswith("engine."))


def test_every_room_is_listed():
    assert sorted(RANK) == sorted(folder.parent.name for folder in (ROOT / "engine").glob("*/__init__.py"))


@pytest.mark.parametrize("room", ["network", "training", "products", "measures", "verdicts", "results"])
def test_a_room_says_what_is_in_it(room):
    """A room with a registry is a list of its things; `common` and `figures` have a file for each name."""
    listed = re.findall(r"\w+", (ROOT / "engine" / room / "__init__.py").read_text(encoding="utf-8"))
    unnamed = {path.stem for path in FILES if path.parent.name == room} - {"__init__", *listed}
    assert not unnamed, f"name {', '.join(sorted(unnamed))} in the docstring of engine/{room}/__init__.py"


@pytest.mark.parametrize("path", FILES, ids=lambda path: str(path.relative_to(ROOT)))
def test_imports_go_down(path):
    here = path.parent.name
    for room in rooms_imported(path):
        assert RANK[room] <= RANK[here], f"{here} imports {room}"
        assert {here, room} != {"training", "products"}, "these two do not know each other"


def test_each_test_lies_in_the_room_that_it_tests():
    for path in Path(ROOT / "tests").glob("*/test_*.py"):
        assert path.parent.name in {*RANK, "workflow"}, path
