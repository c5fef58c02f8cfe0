"""Text is UTF-8 wherever it is read or written: in a container without a locale, Python's default is ASCII."""

import ast

import pytest
from house import ROOT

FOLDERS = ("engine", "workflow", "tools", "benchmarks", "tests")


def opens_text(call):
    """Whether a call is open(), read_text() or write_text() of text."""
    name = getattr(call.func, "attr", getattr(call.func, "id", ""))
    if name == "open" and isinstance(call.func, ast.Name):
        return not any("b" in word.value for word in call.args[1:2] if isinstance(word, ast.Constant))
    return name in ("read_text", "write_text") and isinstance(call.func, ast.Attribute)


@pytest.mark.parametrize("folder", FOLDERS)
def test_every_text_file_has_its_encoding(folder):
    for path in (ROOT / folder).rglob("*.py"):
        calls = [node for node in ast.walk(ast.parse(path.read_text(encoding="utf-8"))) if isinstance(node, ast.Call)]
        bare = [call.lineno for call in calls if opens_text(call) and "encoding" not in {k.arg for k in call.keywords}]
        assert not bare, f"{path.relative_to(ROOT)}, lines {bare}"
