"""Files: their full paths, and atomic writes under a temporary name that is then renamed: whole or absent."""

import os
import re
from contextlib import contextmanager
from pathlib import Path


def full_path(path):
    """The absolute path of a file, without `..` and with the home folder for `~`: how messages name it."""
    return os.path.abspath(os.path.expanduser(path))


@contextmanager
def atomic_write(path):
    """Yields a temporary path beside `path`; renames it to `path` if the block succeeds, removes it otherwise.

    If two processes write the same path at once, the first one fails: the second deletes its temporary file as a
    leftover of a killed process.
    """
    path = Path(path)
    path.parent.mkdir(parents=True, exist_ok=True)
    for left in path.parent.iterdir():
        if re.fullmatch(rf"\.\d+-{re.escape(path.name)}", left.name):
            left.unlink(missing_ok=True)
    part = path.with_name(f".{os.getpid()}-{path.name}")  # the ending stays, because writers choose the format by it
    try:
        yield part
        part.replace(path)
    finally:
        part.unlink(missing_ok=True)


def write_text(path, text):
    """Writes a text file, whole or not at all."""
    with atomic_write(path) as part:
        part.write_text(text, encoding="utf-8")
