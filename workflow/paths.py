"""Paths: those that Snakemake's commands cannot hold, and the files that a configuration names.

Each of these files lies where the YAML file says that names it.
"""

import os
import re
from pathlib import Path

MOVE = "to a path of letters, digits, dots, - and _"


def place_mistakes(folders, python):
    """Lines on folders, and on the path of Python, with characters that break what Snakemake makes of them."""
    for folder in dict.fromkeys(map(os.path.abspath, folders)):
        if set(folder) & set("{}\\"):
            yield f"the path of this folder has braces or a backslash: {folder}. Move it {MOVE}"
    if re.search(r"[^\w/.,:+@%=~^-]", python):  # it stands in commands without quotes
        what = "a space, a quote or another special character"
        yield f"the path of this Python has {what}: {python}. Move its environment, or the folder that it is in, {MOVE}"


def named_files(config):
    """[(keys, path)] of the files that a configuration names, its keys one within the other."""
    plugins = enumerate(config.get("plugins", []))
    networks = config.get("networks", {}).items()
    return [(("plugins", i), path) for i, path in plugins] + [
        (("networks", name, key), entry[key]) for name, entry in networks for key in ("file", "data") if key in entry
    ]


def settle_paths(config, layers=()):
    """Names the files of a configuration as seen from the working directory, in place.

    A path is relative to the folder of the YAML file that has it: `layers` are pairs (path, content) of those that made
    the configuration, the strongest first. What none of them has, as with --config, is relative to the working
    directory. `~` is the home folder.
    """
    for keys, path in named_files(config):
        folder = next((Path(file).parent for file, content in layers if at(content, keys) == path), Path())
        *block, last = keys
        at(config, block)[last] = os.path.relpath(folder / Path(path).expanduser())


def at(content, keys):
    """What a configuration has under keys, one within the other; None where it has nothing there."""
    for key in keys:
        try:
            content = content[key]
        except (KeyError, IndexError, TypeError):
            return None
    return content
