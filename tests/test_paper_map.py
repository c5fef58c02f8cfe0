"""PAPER_MAP.md is true: what it names exists, and every label that the code uses is on it."""

import re
from importlib import import_module
from pathlib import Path

import pytest

LINES = [line for line in Path("PAPER_MAP.md").read_text().splitlines() if line.startswith("| ")][2:]
ROWS = [[cell.strip().strip("`") for cell in line.split("|")[1:-1]] for line in LINES]
LABEL = re.compile(r"\[(?:CELL|JAC|BPTT|EXP|ELR|ANI|OPT|TAU|ALIGN|FACTORIAL)(?:\.\w+)?\]")


@pytest.mark.parametrize("row", ROWS, ids=lambda row: row[0])
def test_what_a_row_names_exists(row):
    _, _, function, rule, output, test = row
    parts = function.split(".")
    depth = next(i for i in range(len(parts), 0, -1) if Path(*parts[:i]).with_suffix(".py").is_file())
    thing = import_module(".".join(parts[:depth]))
    for name in parts[depth:]:
        thing = getattr(thing, name)
    rules = "\n".join(path.read_text() for path in Path("workflow/rules").glob("*.smk"))
    assert rule == "all that measure" or f"rule {rule}:" in rules
    assert not output or output in rules
    assert Path(test).is_file()


def test_every_label_of_the_code_is_on_the_map():
    used = {label for path in Path("engine").rglob("*.py") for label in LABEL.findall(path.read_text())}
    mapped = {row[0] for row in ROWS}
    assert used - mapped - {"[CELL.gru]", "[CELL.lstm]", "[JAC.gru]", "[JAC.lstm]"} == set()
