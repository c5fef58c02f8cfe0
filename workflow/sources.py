"""Which files of this repository a script imports, directly or through others."""

import ast
import re
from functools import cache
from pathlib import Path

PACKAGES = ("engine", "workflow")


def sources(script, root, *modules):
    """Paths, relative to `root`, of the files of PACKAGES that `script` and the dotted `modules` need; sorted."""
    root = Path(root)
    found = {file for name in modules for file in files(root, name)}
    ahead = [script, *found]
    while ahead:
        for path in imports(root, ahead.pop()) - found:
            found.add(path)
            ahead.append(path)
    return sorted(found)


@cache  # every job reads the rules again, and the scripts share most of what they import
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
