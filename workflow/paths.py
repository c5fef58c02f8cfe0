"""Files that a configuration names: each lies where the YAML file says that names it."""

import os
from pathlib import Path


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
