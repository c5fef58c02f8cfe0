"""References lead somewhere: labels to docs/theory.md and to code, pages to files, dotted names to objects."""

import re
from importlib import import_module
from importlib.util import find_spec
from pathlib import Path
from pkgutil import walk_packages

import pytest
from conftest import small_cell
from house import ROOT

import engine
from engine.cells import CELLS
from engine.common.quantity import Quantity
from engine.results.networks import weight_quantities

FOLDERS = ("engine", "workflow", "config", "profiles", "docs", "benchmarks", "tools", "tests")
ENDINGS = {".py", ".cu", ".smk", ".md", ".rst", ".yaml", ".yml", ".toml", ".lock"}
LABEL = re.compile(r"(?<!\w)\[[A-Z]{2,}(?:\.\w+)*\](?!\()")  # neither an index in code nor the text of a link
ANCHOR = re.compile(r'<a id="([\w.]+)"></a>(?:\*\*)?(\[[\w.]+\])')
DOTTED = re.compile(r"(?<!/)\bengine(?:\.\w+)+\b(?!\()")  # a call is code, which other tests run
PAGE = re.compile(r"[\w./{}-]*\w\.md\b")


def texts():
    """{path from the root: text} of everything that people read or edit here."""
    found = [path for path in ROOT.glob("*") if path.suffix in ENDINGS or path.name in ("Makefile", "Snakefile")]
    found += [path for name in FOLDERS for path in (ROOT / name).rglob("*") if path.suffix in ENDINGS]
    return {path.relative_to(ROOT): path.read_text(encoding="utf-8") for path in sorted(found)}


TEXTS = texts()
THEORY = (ROOT / "docs" / "theory.md").read_text(encoding="utf-8")
DEFINED = {label for _, label in ANCHOR.findall(THEORY)}
TABLE = [line for line in (ROOT / "PAPER_MAP.md").read_text(encoding="utf-8").splitlines() if line.startswith("| ")]
ROWS = [[cell.strip().strip("`") for cell in line.split("|")[1:-1]] for line in TABLE[2:]]
DONE = [row for row in ROWS if row[2]]
RULES = "\n".join(text for path, text in TEXTS.items() if path.suffix == ".smk")
NAMES = TEXTS[Path("workflow/names.py")]


def places(pattern, sound):
    """{path: what matches the pattern there and leads nowhere}."""
    found = {str(path): {m for m in pattern.findall(text) if not sound(m, path)} for path, text in TEXTS.items()}
    return {path: lost for path, lost in found.items() if lost}


def test_every_label_is_defined():
    """In tests a word without a dot may be a list of one constant."""

    def known(label, path):
        return label in DEFINED or ("." not in label and path.parts[0] == "tests")

    assert places(LABEL, known) == {}


def test_a_definition_is_an_anchor_of_its_name():
    anchors = [name for name, _ in ANCHOR.findall(THEORY)]
    assert [f"[{name}]" for name in anchors] == [label for _, label in ANCHOR.findall(THEORY)]
    assert len(set(anchors)) == len(anchors) == THEORY.count("<a id=")


def test_every_measured_quantity_has_a_defined_label():
    modules = [import_module(name) for _, name, _ in walk_packages(engine.__path__, "engine.")]
    dicts = [value for module in modules for value in vars(module).values() if isinstance(value, dict)]
    quantities = [x for found in dicts for x in found.values() if isinstance(x, Quantity)]
    assert quantities and {x.label for x in quantities} <= DEFINED


def test_every_cell_has_a_defined_label():
    """The name of its cell, or of that of its layer, labels a weight in a file."""
    quantities = [x for name in CELLS for x in weight_quantities(small_cell(name), outputs=1).values()]
    assert {x.label for x in quantities} <= DEFINED


def test_every_target_of_make_exists():
    targets = re.search(r"^\.PHONY: (.*)", TEXTS[Path("Makefile")], re.MULTILINE)[1].split()
    assert places(re.compile(r"`make ([a-z][\w-]*)"), lambda target, _: target in targets) == {}


def test_every_page_that_is_named_exists():
    pages = {path.name for path in TEXTS if path.suffix == ".md"}
    made = set(re.findall(r'RESULTS(?:}/| / ")([\w-]+\.md)', "\n".join(TEXTS.values()), re.IGNORECASE))

    def exists(name, path):
        folder, _, page = name.rpartition("/")
        if folder.startswith("results") or "{" in folder:
            return page in made
        if folder:
            return any((start / name).is_file() for start in (ROOT, (ROOT / path).parent)) or page in made
        return page in pages | made

    assert places(PAGE, exists) == {}


def test_every_dotted_name_leads_to_a_module_or_an_object():
    examples = set(re.findall(r"^```python (\S+)\.py$", "\n".join(TEXTS.values()), re.MULTILINE))
    examples = {name.replace("/", ".") for name in examples}

    def leads(name, _):
        return any(name == example or name.startswith(f"{example}.") for example in examples) or found(name)

    assert places(DOTTED, leads) == {}


def found(name):
    """The object of a dotted name, None where there is none."""
    *path, last = name.split(".")
    if not path:
        return import_module(name)
    owner = found(".".join(path))
    if owner is None or hasattr(owner, last):
        return getattr(owner, last, None)
    return import_module(name) if hasattr(owner, "__path__") and find_spec(name) else None


def test_every_definition_is_on_the_map():
    assert sorted(row[0] for row in ROWS if row[0].startswith("[")) == sorted(DEFINED)  # once each


@pytest.mark.parametrize("row", DONE, ids=lambda row: row[0])
def test_what_a_row_of_the_map_names_exists(row):
    function, rule, output, test = row[2:]
    assert found(function) is not None
    assert rule == "all that measure" or re.search(rf"^(?:use )?rule .*\b{rule}\b", RULES, re.MULTILINE)
    assert not output or output in RULES + NAMES
    assert (ROOT / test).is_file()


@pytest.mark.parametrize("row", [row for row in DONE if row[0] in DEFINED], ids=lambda row: row[0])
def test_what_a_row_of_the_map_names_carries_its_label(row):
    assert row[0] in source(row[2])


def source(name):
    """The text of the module in which a dotted name is defined."""
    path = ROOT.joinpath(*name.split("."))
    while not path.with_suffix(".py").is_file():
        path = path.parent
    return path.with_suffix(".py").read_text(encoding="utf-8")


def test_what_nothing_computes_yet_is_named_nowhere_in_the_code():
    """A row without a function is a definition ahead of the code: the code that carries its label completes the row."""
    ahead = {row[0] for row in ROWS if not row[2]}
    carried = {label for path, text in TEXTS.items() if path.parts[0] == "engine" for label in LABEL.findall(text)}
    assert ahead & carried == set()
