"""Which files hold the code of a job: what its script imports, directly or through others, and what it uses."""

import ast
import os
import re
from functools import cache
from pathlib import Path

PACKAGES = ("engine", "workflow")
# These import all that is registered. A job depends on none of them, but on what it takes from them.
ROOMS = {"cell": "cells", "loss": "losses", "task": "tasks", "optimizer": "optimizers"}
REGISTRIES = {kind: f"engine/{room}/__init__.py" for kind, room in ROOMS.items()}


@cache
def sources(script, root, *modules, **things):
    """Paths, from `root`, of the files of PACKAGES that `script` and the dotted `modules` need; sorted.

    `things` {kind of registry: paths} are the files of what the job takes from the registries; those of a registry
    which its code does not reach are left out.
    """
    found, ahead = set(), {script, *(file for name in modules for file in files(root, name))}
    taken = {REGISTRIES[kind]: {os.path.relpath(path, root) for path in paths} for kind, paths in things.items()}
    while ahead:
        path = ahead.pop()
        ahead |= taken.get(path, set()) - found
        if path not in REGISTRIES.values() and path not in found:
            found.add(path)
            ahead |= imports(root, path)
    return sorted(found - {script})


@cache  # the scripts share most of what they import
def imports(root, path):
    """Files that one file imports, with the __init__.py of every package on the way."""
    if Path(path).suffix != ".py":
        return set()
    names, beside = set(), set()
    for node in ast.walk(ast.parse((root / path).read_text(encoding="utf-8"))):
        if isinstance(node, ast.Import):
            names |= {alias.name for alias in node.names}
        elif isinstance(node, ast.ImportFrom) and node.module:
            names |= {node.module} | {f"{node.module}.{alias.name}" for alias in node.names}
        elif isinstance(node, ast.Constant) and re.fullmatch(r"\w+\.cu", str(node.value)):  # a CUDA source beside it
            beside.add(str(Path(path).with_name(node.value)))
    return beside | {file for name in names if name.split(".")[0] in PACKAGES for file in files(root, name)}


def files(root, name):
    """The files that importing the dotted `name` runs, as far as they exist."""
    parts = name.split(".")
    packages = [Path(*parts[:i], "__init__.py") for i in range(1, len(parts) + 1)]
    return {str(p) for p in [*packages, Path(*parts).with_suffix(".py")] if (root / p).is_file()}
