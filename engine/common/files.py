"""Files that are whole or absent: written under a temporary name, then renamed."""

import os
import re
from contextlib import contextmanager
from pathlib import Path


@contextmanager
def atomic_write(path):
    """Gives a temporary path beside `path`; renames it to `path` if the block ends well, removes it otherwise.

    Of two writers of one path, the first fails: its temporary file is taken for that of a process that was killed.
    """
    path = Path(path)
    path.parent.mkdir(parents=True, exist_ok=True)
    for left in path.parent.iterdir():
        if re.fullmatch(rf"\.\d+-{re.escape(path.name)}", left.name):
            left.unlink(missing_ok=True)
    part = path.with_name(f".{os.getpid()}-{path.name}")  # keeps the ending: writers choose the format by it
    try:
        yield part
        part.replace(path)
    finally:
        part.unlink(missing_ok=True)


def write_text(path, text):
    """Writes a text file, whole or not at all."""
    with atomic_write(path) as part:
        part.write_text(text, encoding="utf-8")
