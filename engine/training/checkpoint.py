"""A file from which long work goes on after it was cut off."""

import logging
import time
import zipfile
from pathlib import Path

import numpy as np

from engine.common.backend import to_host
from engine.common.files import atomic_write

log = logging.getLogger(__name__)

INTERVAL = 120.0  # seconds between two writings


class Resume:
    """Keeps trees of arrays (dicts and lists) by name at `path`, for whoever comes with the same `key`.

    The key is a text of all that the arrays depend on.
    """

    def __init__(self, path, key):
        self.path, self.key = Path(path), key
        self.kept = self._read()
        self.written = time.monotonic()

    def tree(self, name):
        """What was kept under `name` when the work was cut off, in NumPy arrays; None where nothing was."""
        return unpack(self.kept).get(name)

    def keep(self, name, tree):
        """Holds a copy of a tree under `name`, to be written when it is next time to."""
        self.kept = {key: x for key, x in self.kept.items() if key.partition("/")[0] != name}
        self.kept |= {key: np.array(to_host(x)) for key, x in pack(tree, name)}

    def due(self):
        """Whether it is time to write."""
        return time.monotonic() - self.written >= INTERVAL

    def write(self):
        """Writes all that is kept, whole or not at all; work goes on where that is not possible."""
        self.written = time.monotonic()
        try:
            with atomic_write(self.path) as part:
                np.savez(part, key=np.array(self.key), **self.kept)
        except OSError as error:
            log.warning("%s could not be written (%s): the work cannot be resumed from here", self.path, error)

    def remove(self):
        """The work is done."""
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
    """Pairs (path, array) of a tree: paths such as "0/probes/2/1"."""
    if not isinstance(tree, dict | list | tuple):
        yield name, tree
        return
    for key, branch in tree.items() if isinstance(tree, dict) else enumerate(tree):
        yield from pack(branch, f"{name}/{key}")


def unpack(arrays):
    """The tree, in dicts and lists, of {path: array}; a branch without arrays is not in it."""
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
