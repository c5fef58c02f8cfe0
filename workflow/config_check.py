"""Checks the configuration before any job: every mistake gets one line, and all are reported at once."""

from functools import cache
from math import inf
from pathlib import Path

import yaml
from jsonschema import Draft202012Validator

from engine.common.files import full_path
from engine.common.registry import lookup, nearest
from engine.results.protocols import protocol_mistakes
from engine.tasks import make_task
from workflow.mistakes import as_far_as_readable, readable, refused
from workflow.networks import network_mistakes
from workflow.parts import build_optimizer, optimizer_settings, smallest_cell
from workflow.paths import named_files, settle_paths
from workflow.plugins import load
from workflow.targets import RELEASED, released

TRAINED_ON = {  # keys that are looked for at a wrong place
    "data": "this block chooses no training data; effective_lr and anisotropy do, by a list of names as `data`",
    "sequences": "a training set is described under the key `data` beside `cells`, such as n256: {sequences: 256}, and "
    "named by an experiment that trains in its list `data`",
}
SCHEMA = Path(__file__).parent / "schemas" / "config.schema.yaml"


class ConfigError(ValueError):
    """Mistakes in the configuration, a line each: key, what was found, what is allowed."""


def check(config, layers=()):
    """Raises ConfigError with every mistake in a configuration: those of form, and those in what has the right form.

    In between it settles the paths in the configuration, as `settle_paths`, and loads its plugins.
    """
    errors = sorted(validator().iter_errors(config), key=lambda e: (list(map(str, e.absolute_path)), e.validator))
    found = [line for error in errors for line in explain(error)]
    if found:
        config = readable(config, {tuple(error.absolute_path) for error in errors if is_value(error)})
    settle_paths(config, layers)
    found += [line for lines in checks(config) for line in as_far_as_readable(lines)]
    found = list(dict.fromkeys(found))
    if found:
        raise ConfigError("\n  ".join([f"{len(found)} mistakes:", *found] if found[1:] else found))


@cache
def validator():
    return Draft202012Validator(yaml.safe_load(SCHEMA.read_text(encoding="utf-8")))


def checks(config):
    """The lines of each check of what has the right form; where one cannot go on, the next ones do."""
    yield path_mistakes(config)
    yield plugin_mistakes(config)
    each = {"cells": cell_mistakes, "optimizers": optimizer_mistakes, "experiments": block_mistakes}
    for key, mistakes in each.items():
        for name in config.get(key, ()):
            yield mistakes(config, name)


def is_value(error):
    """Whether a schema error is one of the value itself, not of what is missing, unknown or misnamed in it."""
    return error.validator not in ("additionalProperties", "required") and "propertyNames" not in error.schema_path


def explain(error):
    """A schema error as lines: key, what was found, what is allowed."""
    key = ".".join(str(part) for part in error.absolute_path) or "the configuration"
    found, limit = error.instance, error.validator_value
    match error.validator:
        case "additionalProperties":
            known = error.schema["properties"]
            where = f"{key}." if error.absolute_path else ""
            return [explain_unknown(where, name, known) for name in found if name not in known]
        case "required":
            return [f"{key}: the key {name!r} is missing" for name in limit if name not in found]
        case "type" if isinstance(found, str) and is_number(found):
            return [explain_text(error.absolute_path, found)]
        case "type":
            return [f"{key}: found {found!r}, allowed is {'true or false' if limit == 'boolean' else f'one {limit}'}"]
        case "enum":
            return [f"{key}: found {found!r}{nearest(found, limit)} (allowed: {', '.join(map(str, limit))})"]
        case "minimum":
            return [f"{key} = {found} is too small, allowed is {limit} or more"]
        case "exclusiveMinimum":
            return [f"{key} = {found} is out of range, allowed is more than {limit}"]
        case "exclusiveMaximum":
            return [f"{key} = {found} is out of range, allowed is less than {limit}"]
        case "minItems" | "minProperties":
            return [f"{key}: found {len(found)} entries, at least {limit} needed"]
        case "uniqueItems":
            twice = next(value for i, value in enumerate(found) if value in found[:i])
            return [f"{key}: {twice} is listed twice"]
        case "pattern":
            return [f"{key}: {found!r} is no name: letters, digits, _ and - only, since files are called after it"]
    return [f"{key}: {error.message}"]


def explain_unknown(where, name, known):
    """The line for an unknown key; `where` is its block with a dot, "" at the top."""
    if name in TRAINED_ON:
        return f"{where}{name}: {TRAINED_ON[name]}"
    block = f"{where[:-1]}: " if where else ""
    return f"{block}unknown key {name!r}{nearest(name, known)} (allowed: {', '.join(known)})"


def explain_text(keys, text):
    """The line for a text that should be a number, or what else YAML reads. All numbers of a list get one line."""
    *above, last = keys
    read = as_yaml(text)
    in_list = isinstance(last, int)
    key = ".".join(map(str, above if in_list else [*above, last]))
    kind = {bool: "true or false", list: "a list"}.get(type(read), "a number")
    what = "its numbers are text: write them" if in_list else f"{text!r} is text, not {kind}: write it"
    advice = "without quotes, in a file for --configfile; --config makes text of what is in [] or {}"
    if isinstance(read, str):
        advice = f"as {as_number(text)}, since YAML reads {text} as text"
    return f"{key}: {what} {advice}"


def as_number(text):
    """What YAML reads as the number that a text is: 1.0e-3 for 1e-3; an example for what it cannot write."""
    digits, _, exponent = text.lower().partition("e")
    written = f"{digits if '.' in digits else digits + '.0'}e{int(exponent or 0):+d}" if exponent else text
    return written if isinstance(as_yaml(written), float) else "1.0e-3"


def as_yaml(text):
    """What YAML reads in a text; the text itself if it is none."""
    try:
        return yaml.safe_load(text)
    except yaml.YAMLError:
        return text


def is_number(text):
    """Whether a text can be read as a number."""
    try:
        float(text)
    except ValueError:
        return False
    return True


def unknown(key, kind, name, config):
    return refused(key, lambda: lookup(kind, name, config[f"{kind}s"]))


def path_mistakes(config):
    """Files whose names Snakemake cannot hold."""
    for keys, path in named_files(config):
        if set(path) & set("{}"):
            key = ".".join(map(str, keys))
            found = f"{full_path(path)} has braces, which Snakemake takes for a wildcard"
            yield f"{key}: {found}; give the file another name"


def plugin_mistakes(config):
    """Plugins that cannot be loaded; the others are then there."""
    for path in config.get("plugins", []):
        yield from refused("plugins", lambda path=path: load(path))


def cell_mistakes(config, name):
    """Options that are text, or a line for a cell that cannot be made."""
    texts = text_mistakes(("cells", name), config["cells"][name])
    return texts or refused(f"cells.{name}", lambda: smallest_cell(config, name))


def optimizer_mistakes(config, name):
    """The same for an optimizer."""
    texts = text_mistakes(("optimizers", name), config["optimizers"][name])
    settings = optimizer_settings(config, name) | {"rate": 1.0}
    return texts or refused(f"optimizers.{name}", lambda: build_optimizer(settings, updates=1)[1](0))


def text_mistakes(keys, value):
    """Lines for texts below `keys` that are numbers, lists, or true or false, as they come from --config."""
    if isinstance(value, dict | list):
        items = value.items() if isinstance(value, dict) else enumerate(value)
        return [line for key, inner in items for line in text_mistakes((*keys, key), inner)]
    is_text = isinstance(value, str) and (is_number(value) or isinstance(as_yaml(value), bool | list))
    return [explain_text(keys, value)] if is_text else []


def block_mistakes(config, name):
    """Lines for mistakes in the block of a requested experiment."""
    if name in config:
        yield from EXPERIMENTS[name](name, config[name], config)
    else:
        yield f"experiments: {name} is asked for, but there is no block {name} that describes it"


def training_mistakes(key, block, config):
    """Lines for data, tasks and checkpoints of an experiment that trains."""
    for name in block.get("data", ["fresh"]):
        if no_data := refused(f"{key}.data", lambda name=name: lookup("data", name, config["data"])):
            yield from no_data
        elif (N := config["data"][name].get("sequences", block["batch"])) < block["batch"]:
            yield f"data.{name}.sequences = {N} is too small for {key}: allowed is its batch = {block['batch']} or more"
    for task in block["tasks"]:
        yield from length_mistakes(f"{key}.tasks", task, block["T"], block)
    if (late := max(block["checkpoints"])) > block["updates"]:
        yield f"{key}.checkpoints: {late} is after the last update, updates = {block['updates']}"


def length_mistakes(key, task, T, block):
    """A task that cannot be drawn with T steps and the inputs of an experiment."""
    return refused(key, lambda: make_task(task).check(T, block["inputs"]))


def units(config):
    """H: no state is smaller. Infinite if it cannot be read, and then fits."""
    return config.get("units", inf)


def effective_lr_mistakes(key, block, config):
    for cell in block["cells"]:
        yield from unknown(f"{key}.cells", "cell", cell, config)
    yield from unknown(f"{key}.optimizer", "optimizer", block["optimizer"], config)
    yield from training_mistakes(key, block, config)
    asked = block.get("predictor_checkpoints", [])
    yield from not_in(f"{key}.predictor_checkpoints", asked, block["checkpoints"], f"{key}.checkpoints")


def expansion_mistakes(key, block, config):
    for cell in block["cells"]:
        yield from unknown(f"{key}.cells", "cell", cell, config)


def anisotropy_mistakes(key, block, config):
    for model in block["models"]:
        cell, dash, optimizer = model.partition("-")
        if dash:
            yield from unknown(f"{key}.models", "cell", cell, config)
            yield from unknown(f"{key}.models", "optimizer", optimizer, config)
        else:
            yield f"{key}.models: {model!r} is no model, write cell-optimizer, such as multi-sgd"
    yield from training_mistakes(key, block, config)
    yield from protocol_mistakes(key, block, {f"{key}.T": block["T"]}, units(config))
    yield from not_in(f"{key}.summary_lags", block["summary_lags"], block["lags"], f"{key}.lags")


def gates_mistakes(key, block, config):
    """It measures what `anisotropy` and `effective_lr` have trained."""
    lengths = {f"{name}.T": config[name]["T"] for name in ("anisotropy", "effective_lr")}
    yield from protocol_mistakes(key, block, lengths, units(config))
    for model in block["compared"]:
        yield from compared_mistakes(f"{key}.compared", model, config)
    for list_of in ("compared", "references"):
        yield from not_in(f"{key}.{list_of}", block[list_of], config["anisotropy"]["models"], "anisotropy.models")


def compared_mistakes(key, model, config):
    """Lines for a compared model, whose cell must have a gate for each unit."""
    cell = model.partition("-")[0]
    if no_cell := unknown(key, "cell", cell, config) or cell_mistakes(config, cell):
        yield from no_cell
    elif not smallest_cell(config, cell).gate_for_each_unit:
        yield f"{key}: {model} gives all units one step, allowed are cells with a gate for each unit"
    else:
        yield from layer_mistakes(key, model, config)


def layer_mistakes(key, model, config):
    """A reference must have the units that a compared model has; one whose cell is wrong is found elsewhere."""

    def layers(model):
        name = model.partition("-")[0]
        sound = name in config["cells"] and not cell_mistakes(config, name)
        return len(smallest_cell(config, name).layers) if sound else None

    ours = layers(model)
    for reference in config["gates"]["references"]:
        if (theirs := layers(reference)) not in (None, ours):
            yield (
                f"{key}: {model} and the reference {reference} are compared unit by unit, but have {ours} and {theirs} "
                "layers; allowed are models of as many layers"
            )


def differences_mistakes(key, block, config):
    """It measures what other experiments train, as the released code would."""
    keys = {"anisotropy": ("models", "tasks", "checkpoints", "training_tasks", "training_checkpoints")}
    keys["effective_lr"] = ("slope_tasks", "slope_checkpoints")
    for other, names in keys.items():
        for name in names:
            like = name.split("_")[-1]
            yield from not_in(f"{key}.{name}", block[name], config[other][like], f"{other}.{like}")
    for model in block["models"]:
        if model.partition("-")[0] in config["cells"] and not released(config, [model]):
            yield f"{key}.models: the released code has no {model}, its cells are {', '.join(RELEASED)}"


def lyapunov_mistakes(key, block, config):
    """It measures what `anisotropy` and `effective_lr` have trained, on sequences of its own length."""
    yield from protocol_mistakes(key, block, {f"{key}.T": block["T"]}, units(config))
    for name in ("anisotropy", "effective_lr"):
        for task in config[name]["tasks"]:
            if not length_mistakes(name, task, config[name]["T"], config[name]):
                yield from length_mistakes(f"{key}.T", task, block["T"], config[name])
    for name, entry in block.get("autonomous", {}).items():
        yield from unknown(f"{key}.autonomous.{name}.cell", "cell", entry["cell"], config)


def networks_mistakes(key, block, config):
    """It measures networks from files, by the protocols of the other experiments."""
    said = {}
    for name, entry in block.items():
        if ("task" in entry) == ("data" in entry) and not misspelled(entry, ("task", "data")):
            yield f"{key}.{name}: name a task, or a file of sequences as data, and not both"
        yield from unknown(f"{key}.{name}.cell", "cell", entry["cell"], config)
        for line in as_far_as_readable(network_mistakes(config, name)):
            said.setdefault(line, {})[name] = None
    yield from (f"{', '.join(f'{key}.{name}' for name in names)}: {line}" for line, names in said.items())


def misspelled(entry, keys):
    """Whether an entry under `networks` has an unknown key that is called nearly as one of `keys`."""
    known = validator().schema["properties"]["networks"]["additionalProperties"]["properties"]
    return any(nearest(key, keys) for key in entry if key not in known)


def not_in(key, found, values, source):
    """A line for each of `found` that is not among the values of the key `source`."""
    lost = [value for value in found if value not in values]
    return [f"{key}: {value} is not in {source} ({', '.join(map(str, values))})" for value in lost]


EXPERIMENTS = {
    "effective_lr": effective_lr_mistakes,
    "expansion": expansion_mistakes,
    "anisotropy": anisotropy_mistakes,
    "gates": gates_mistakes,
    "differences": differences_mistakes,
    "lyapunov": lyapunov_mistakes,
    "networks": networks_mistakes,
}
