"""Files outside engine/ that register cells, tasks and optimizers of one's own: `plugins` of the configuration."""

import sys
from importlib import import_module
from pathlib import Path

from engine.results.provenance import ROOT


def load(path):
    """Imports a plugin, which registers what it has; ValueError says why that does not work."""
    file = Path(path).resolve()
    if not file.is_file():
        raise ValueError(f"{file} is not there")
    if file.suffix != ".py":
        raise ValueError(f"{file} is no Python file")
    sys.path.append(str(file.parent))  # by its bare name, so that processes that draw batches find it too
    try:
        module = import_module(file.stem)
    except Exception as error:
        raise ValueError(f"{file}: {type(error).__name__}: {error}") from error
    if Path(module.__file__ or "").resolve() != file:
        raise ValueError(f"{file}: another module is called {file.stem}; give the file another name")


def plugins_among(code):
    """Those of a job's files of code that are plugins."""
    ours = [ROOT / package for package in ("engine", "workflow")]
    return [path for path in code if not any(Path(path).resolve().is_relative_to(folder) for folder in ours)]
