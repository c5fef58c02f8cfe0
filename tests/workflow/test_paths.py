"""Paths that commands cannot hold are refused; files of a configuration lie beside the YAML file that names them."""

import os

import pytest
from house import copy_of_the_house, snakemake

from workflow.paths import place_mistakes, settle_paths


@pytest.fixture
def settled(tmp_path, monkeypatch):
    """settled(entry, *layers): the networks' entry as the jobs see it, from the folder `run`."""
    (tmp_path / "run").mkdir()
    monkeypatch.chdir(tmp_path / "run")
    monkeypatch.setenv("HOME", str(tmp_path / "home"))

    def settle(entry, *layers):
        config = {"plugins": ["own.py"], "networks": {"a": dict(entry)}}
        settle_paths(config, [(tmp_path / file, content) for file, content in layers])
        return config["networks"]["a"] | {"plugin": config["plugins"][0]}

    return settle


def test_relative_to_the_file_that_names_it(settled):
    mine = {"networks": {"a": {"file": "a.npz"}}, "plugins": ["own.py"]}
    base = {"networks": {"a": {"file": "other.npz", "data": "u.npz"}}}
    found = settled({"file": "a.npz", "data": "u.npz"}, ("mine/mine.yaml", mine), ("base/base.yaml", base))
    assert found == {"file": "../mine/a.npz", "data": "../base/u.npz", "plugin": "../mine/own.py"}


def test_the_stronger_of_two_files_that_say_the_same(settled):
    layer = {"networks": {"a": {"file": "a.npz"}}}
    assert settled({"file": "a.npz"}, ("strong/a.yaml", layer), ("weak/b.yaml", layer))["file"] == "../strong/a.npz"


def test_what_no_file_names_is_relative_to_the_working_directory(settled):
    assert settled({"file": "a.npz"}, ("mine/mine.yaml", {"networks": None, "plugins": 3}))["file"] == "a.npz"


def test_home_and_absolute_paths(settled, tmp_path):
    found = settled({"file": "~/a.npz", "data": str(tmp_path / "run" / "u.npz")})
    assert (found["file"], found["data"]) == ("../home/a.npz", "u.npz")


@pytest.mark.parametrize("name", ["a b", "a'b", 'a"b', "a$b", "a(b", "a;b"])
def test_python_in_a_path_that_commands_cannot_hold(name):
    [said] = place_mistakes(["/a b/it's"], f"/{name}/.venv/bin/python")
    assert said.startswith(f"the path of this Python has a space, a quote or another special character: /{name}/.venv")


def test_other_paths_are_fine():
    assert [*place_mistakes(["/a b/it's", "."], "/a-b_c.d/é/a+b=c@d~e%f:g/python3.11")] == []


def test_one_message_before_anything_runs(tmp_path):
    """As one who calls snakemake in a clone, with Python elsewhere."""
    (tmp_path / "a{b}").mkdir()
    said = snakemake(copy_of_the_house(tmp_path / "a{b}"))
    assert said.returncode == 1 and not os.path.exists(tmp_path / "a{b}" / "results")
    [line] = [line for line in said.stderr.splitlines() if "the path of" in line]
    assert line == (
        f"the path of this folder has braces or a backslash: {tmp_path}/a{{b}}. Move it to a path of letters, digits, "
        "dots, - and _"
    )
