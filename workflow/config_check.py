"""Checks the configuration before any job: every mistake gets one line, and all are reported at once."""

from pathlib import Path

import yaml
from jsonschema import Draft202012Validator

from engine.common.blocks import ends_of_blocks
from engine.common.files import full_path
from engine.common.registry import lookup, nearest
from engine.tasks import make_task
from workflow.networks import check_network
from workflow.parts import build_cell, build_optimizer, cell_settings, optimizer_settings
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
    """Raises ConfigError with every mistake in a configuration: those of form, or without any those of content.

    In between it settles the paths in the configuration, as `settle_paths`, and loads its plugins.
    """
    schema = Draft202012Validator(yaml.safe_load(SCHEMA.read_text(encoding="utf-8")))
    errors = sorted(schema.iter_errors(config), key=lambda e: (list(map(str, e.absolute_path)), e.validator))
    found = [line for error in errors for line in explain(error)]
    if not found:
        settle_paths(config, layers)
        found = [*path_mistakes(config), *plugin_mistakes(config)] or [*part_mistakes(config), *block_mistakes(config)]
    found = list(dict.fromkeys(found))
    if found:
        raise ConfigError("\n  ".join([f"{len(found)} mistakes:", *found] if found[1:] else found))


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
            return [explain_text(error)]
        case "type":
            return [f"{key}: found {found!r}, allowed is one {limit}"]
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


def explain_text(error):
    """The line for a text that should be a number. All numbers of a list get one line."""
    *above, last = error.absolute_path
    in_list = isinstance(last, int)
    key = ".".join(map(str, above if in_list else [*above, last]))
    what = "its numbers are text" if in_list else f"{error.instance!r} is text, not a number"
    advice = "write it without quotes, in a file for --configfile; --config makes text of what is in [] or {}"
    if isinstance(yaml.safe_load(error.instance), str):
        advice = "YAML reads 1e-3 as text, write 1.0e-3"
    return f"{key}: {what}: {advice}"


def is_number(text):
    """Whether a text can be read as a number."""
    try:
        float(text)
    except ValueError:
        return False
    return True


def refusal(key, make):
    """[line] with the key and the message if make() raises, else []."""
    try:
        make()
    except (ValueError, TypeError) as error:
        return [f"{key}: {error}"]
    return []


def unknown(key, kind, name, config):
    return refusal(key, lambda: lookup(kind, name, config[f"{kind}s"]))


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
        yield from refusal("plugins", lambda path=path: load(path))


def part_mistakes(config):
    """Lines for cells and optimizers that cannot be made."""
    for name in config["cells"]:
        yield from cell_mistakes(config, name)
    for name in config["optimizers"]:
        settings = optimizer_settings(config, name)
        yield from refusal(f"optimizers.{name}", lambda settings=settings: build_optimizer(settings, updates=1)[1](0))


def cell_mistakes(config, name):
    return refusal(f"cells.{name}", lambda: build_cell(cell_settings(config, name, inputs=1)))


def block_mistakes(config):
    """Lines for mistakes in the blocks of the requested experiments."""
    for name in config["experiments"]:
        if name in config:
            yield from EXPERIMENTS[name](name, config[name], config)
        else:
            yield f"experiments: {name} is asked for, but there is no block {name} that describes it"


def training_mistakes(key, block, config):
    """Lines for data, tasks and checkpoints of an experiment that trains."""
    for name in block.get("data", ["fresh"]):
        if no_data := refusal(f"{key}.data", lambda name=name: lookup("data", name, config["data"])):
            yield from no_data
        elif (N := config["data"][name].get("sequences", block["batch"])) < block["batch"]:
            yield f"data.{name}.sequences = {N} is too small for {key}: allowed is its batch = {block['batch']} or more"
    for task in block["tasks"]:
        yield from length_mistakes(f"{key}.tasks", task, block["T"], block)
    if (late := max(block["checkpoints"])) > block["updates"]:
        yield f"{key}.checkpoints: {late} is after the last update, updates = {block['updates']}"


def length_mistakes(key, task, T, block):
    """A task that cannot be drawn with T steps and the inputs of an experiment."""
    return refusal(key, lambda: make_task(task).check(T, block["inputs"]))


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
    if (lag := max(block["lags"])) >= block["T"]:
        yield f"{key}.lags: {lag} is too long for T = {block['T']}, allowed is less than T"
    yield from not_in(f"{key}.summary_lags", block["summary_lags"], block["lags"], f"{key}.lags")
    too_large = f"{key}.rank = {block['rank']} is too large"
    if block["rank"] > config["units"]:
        yield f"{too_large}: there are units = {config['units']} singular values"
    # Their mean is taken off, which leaves one singular value fewer.
    if block["rank"] >= block["gradients"]:
        yield (
            f"{too_large}: there are gradients = {block['gradients']} rows, and it must be less than that, since their "
            "mean is taken off"
        )


def gates_mistakes(key, block, config):
    """It measures what `anisotropy` and `effective_lr` have trained."""
    for name in ("anisotropy", "effective_lr"):
        if max(block["lags"]) >= config[name]["T"]:
            yield f"{key}.lags: {max(block['lags'])} is too long for {name}.T = {config[name]['T']}"
    if block["samples"] > block["probe_batch"]:
        yield f"{key}.samples = {block['samples']} is more than {key}.probe_batch = {block['probe_batch']}"
    if block["rank"] > config["units"]:
        yield f"{key}.rank = {block['rank']} is too large: there are units = {config['units']}"
    for model in block["compared"]:
        yield from compared_mistakes(f"{key}.compared", model, config)
    for list_of in ("compared", "references"):
        yield from not_in(f"{key}.{list_of}", block[list_of], config["anisotropy"]["models"], "anisotropy.models")


def compared_mistakes(key, model, config):
    """Lines for a compared model, whose cell must have a gate for each unit."""
    cell = model.partition("-")[0]
    if no_cell := unknown(key, "cell", cell, config) or cell_mistakes(config, cell):
        yield from no_cell
    elif not build_cell(cell_settings(config, cell, inputs=1)).gate_for_each_unit:
        yield f"{key}: {model} gives all units one step, allowed are cells with a gate for each unit"
    else:
        yield from layer_mistakes(key, model, config)


def layer_mistakes(key, model, config):
    """A reference must have the units that a compared model has; one whose cell is wrong is found elsewhere."""

    def layers(model):
        name = model.partition("-")[0]
        sound = name in config["cells"] and not cell_mistakes(config, name)
        return len(build_cell(cell_settings(config, name, inputs=1)).layers) if sound else None

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
    yield from refusal(key, lambda: ends_of_blocks(block["T"], block["transient"], block["blocks"]))
    for name in ("anisotropy", "effective_lr"):
        for task in config[name]["tasks"]:
            if not length_mistakes(name, task, config[name]["T"], config[name]):
                yield from length_mistakes(f"{key}.T", task, block["T"], config[name])
    for name, entry in block.get("autonomous", {}).items():
        yield from unknown(f"{key}.autonomous.{name}.cell", "cell", entry["cell"], config)


def network_mistakes(key, block, config):
    """It measures networks from files, by the protocols of the other experiments."""
    for name, entry in block.items():
        found = unknown(f"{key}.{name}.cell", "cell", entry["cell"], config)
        if ("task" in entry) == ("data" in entry):
            found.append(f"{key}.{name}: name a task, or a file of sequences as data, and not both")
        yield from found or refusal(f"{key}.{name}", lambda name=name: check_network(config, name))


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
    "networks": network_mistakes,
}
