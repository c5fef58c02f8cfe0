"""Saves and restores the state of an interrupted training."""

import logging
import time
import zipfile
from pathlib import Path

import numpy as np

from engine.common.backend import to_host
from engine.common.files import atomic_write, full_path

log = logging.getLogger(__name__)

INTERVAL = 120.0  # seconds between two writings


class Resume:
    """Keeps trees of arrays (dicts and lists) by name in the file `path`.

    `key` is a text of everything that the arrays depend on: a file with another key is ignored.
    """

    def __init__(self, path, key):
        self.path, self.key = Path(path), key
        self.kept = self._read()
        self.written = time.monotonic()

    def tree(self, name):
        """The tree `name` of an interrupted run, with NumPy arrays; None if there is none."""
        return unpack(self.kept).get(name)

    def keep(self, name, tree):
        """Holds a copy of a tree under `name`; the next call of `write` writes it."""
        self.kept = {key: x for key, x in self.kept.items() if key.partition("/")[0] != name}
        self.kept |= {key: np.array(to_host(x)) for key, x in pack(tree, name)}

    def due(self):
        """Whether INTERVAL has passed since the last write."""
        return time.monotonic() - self.written >= INTERVAL

    def write(self):
        """Writes all trees, whole or not at all. If that fails it logs a warning, and the work goes on."""
        self.written = time.monotonic()
        try:
            with atomic_write(self.path) as part:
                np.savez(part, key=np.array(self.key), **self.kept)
        except OSError as error:
            path = full_path(self.path)
            log.warning("%s could not be written (%s): the work cannot be resumed from here", path, error)

    def remove(self):
        """Deletes the file: the work is done."""
        self.path.unlink(missing_ok=True)

    def _read(self):
        try:
            with open(self.path, "rb") as file, np.load(file) as arrays:
                kept = dict(arrays)
        except FileNotFoundError:
            return {}
        except (OSError, EOFError, ValueError, zipfile.BadZipFile) as error:
            log.warning("%s cannot be read (%s): the work starts anew", self.path, error)
            return {}
        return kept if str(kept.pop("key", "")) == self.key else {}


def pack(tree, name):
    """Yields pairs (path, array) of a tree, with paths such as "0/probes/2/1"."""
    if not isinstance(tree, dict | list | tuple):
        yield name, tree
        return
    for key, branch in tree.items() if isinstance(tree, dict) else enumerate(tree):
        yield from pack(branch, f"{name}/{key}")


def unpack(arrays):
    """The tree of {path: array}, the inverse of `pack`; branches without arrays are lost."""
    tree = {}
    for path, x in arrays.items():
        *branches, leaf = path.split("/")
        at = tree
        for branch in branches:
            at = at.setdefault(branch, {})
        at[leaf] = x
    return {name: _lists(branch) for name, branch in tree.items()}


def _lists(tree):
    if not isinstance(tree, dict):
        return tree
    if all(key.isdigit() for key in tree):
        return [_lists(tree[key]) for key in sorted(tree, key=int)]
    return {key: _lists(branch) for key, branch in tree.items()}
