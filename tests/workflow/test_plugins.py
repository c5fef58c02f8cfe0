"""Plugins: what they register is there, and what cannot be loaded is refused with its file and the reason."""

import sys

import pytest

from workflow.plugins import load, plugins_among


@pytest.fixture
def written(tmp_path, monkeypatch):
    """written(name, text): the path of a file in a folder of its own; what it leaves in Python is undone."""
    monkeypatch.setattr(sys, "path", sys.path[:])
    before = set(sys.modules)

    def write(name, text):
        (tmp_path / name).write_text(text, encoding="utf-8")
        return tmp_path / name

    yield write
    for name in set(sys.modules) - before:
        del sys.modules[name]


def test_a_plugin_registers_once(written):
    path = written("counting.py", "import sys\nsys.loaded = getattr(sys, 'loaded', 0) + 1\n")
    load(path)
    load(str(path))
    assert sys.loaded == 1
    del sys.loaded


def test_a_plugin_that_fails_says_where_and_why(written):
    path = written("failing.py", "import cels\n")
    with pytest.raises(ValueError, match=r"/failing\.py: ModuleNotFoundError: No module named 'cels'"):
        load(path)


def test_the_name_of_another_module_is_refused(written):
    with pytest.raises(ValueError, match=r"/json\.py: another module is called json; give the file another name"):
        load(written("json.py", ""))


def test_plugins_are_told_from_the_code_of_the_repository(written):
    path = str(written("mine.py", ""))
    assert plugins_among(["engine/cells/cell.py", "workflow/job.py", path]) == [path]
