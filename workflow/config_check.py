"""The configuration, checked before any job: each mistake gets one message in a person's words."""

from pathlib import Path

import yaml
from jsonschema import Draft202012Validator

from engine.common.registry import lookup, nearest
from engine.tasks import make_task
from workflow.networks import check_network
from workflow.parts import build_cell, build_optimizer, cell_settings, optimizer_settings
from workflow.targets import RELEASED, released

TRAINED_ON = {  # keys that are looked for at a wrong place
    "data": "this block chooses no training data; effective_lr and anisotropy do, by a list of names as `data`",
    "sequences": "a training set is described under the key `data` beside `cells`, such as n256: {sequences: 256}, and "
    "named by an experiment that trains in its list `data`",
}
SCHEMA = Path(__file__).parent / "schemas" / "config.schema.yaml"


class ConfigError(ValueError):
    """What is wrong in the configuration: which key, what was found, what is allowed."""


def check(config):
    """Raises ConfigError for the first mistake in a configuration."""
    errors = Draft202012Validator(yaml.safe_load(SCHEMA.read_text(encoding="utf-8"))).iter_errors(config)
    for error in sorted(errors, key=lambda e: (list(map(str, e.absolute_path)), e.validator)):
        raise ConfigError(explain(error))
    check_parts(config)
    for name in config["experiments"]:
        if name not in config:
            raise ConfigError(f"experiments: {name} is asked for, but there is no block {name} that describes it")
        EXPERIMENTS[name](name, config[name], config)


def explain(error):
    """A schema error as: key, what was found, what is allowed."""
    key = ".".join(str(part) for part in error.absolute_path) or "the configuration"
    found, limit = error.instance, error.validator_value
    match error.validator:
        case "additionalProperties":
            known = error.schema["properties"]
            unknown = next(name for name in found if name not in known)
            where = f"{key}: " if error.absolute_path else ""
            if unknown in TRAINED_ON:
                return f"{where.replace(': ', '.')}{unknown}: {TRAINED_ON[unknown]}"
            return f"{where}unknown key {unknown!r}{nearest(unknown, known)} (allowed: {', '.join(known)})"
        case "required":
            missing = next(name for name in limit if name not in found)
            return f"{key}: the key {missing!r} is missing"
        case "type" if isinstance(found, str) and is_number(found):
            return f"{key}: {found!r} is text, not a number: YAML reads 1e-3 as text, write 1.0e-3"
        case "type":
            return f"{key}: found {found!r}, allowed is one {limit}"
        case "enum":
            return f"{key}: found {found!r}{nearest(found, limit)} (allowed: {', '.join(map(str, limit))})"
        case "minimum":
            return f"{key} = {found} is too small, allowed is {limit} or more"
        case "exclusiveMinimum":
            return f"{key} = {found} is out of range, allowed is more than {limit}"
        case "minItems" | "minProperties":
            return f"{key}: found {len(found)} entries, at least {limit} needed"
        case "uniqueItems":
            twice = next(value for i, value in enumerate(found) if value in found[:i])
            return f"{key}: {twice} is listed twice"
        case "pattern":
            return f"{key}: {found!r} is no name: letters, digits, _ and - only, since files are called after it"
    return f"{key}: {error.message}"


def is_number(text):
    """Whether a text would read as a number."""
    try:
        float(text)
    except ValueError:
        return False
    return True


def check_parts(config):
    """Every cell and optimizer of the configuration can be made."""
    for name in config["cells"]:
        with_key(f"cells.{name}", lambda name=name: build_cell(cell_settings(config, name, inputs=1)))
    for name in config["optimizers"]:
        with_key(
            f"optimizers.{name}", lambda name=name: build_optimizer(optimizer_settings(config, name), updates=1)[1](0)
        )


def with_key(key, make):
    """make(); what it refuses is said with the key of the configuration that asked for it."""
    try:
        return make()
    except (ValueError, TypeError) as error:
        raise ConfigError(f"{key}: {error}") from error


def known(key, kind, name, config):
    with_key(key, lambda: lookup(kind, name, config[f"{kind}s"]))


def check_training(key, block, config):
    """Data, tasks and checkpoints of an experiment that trains."""
    for name in block.get("data", ["fresh"]):
        with_key(f"{key}.data", lambda name=name: lookup("data", name, config["data"]))
        if (N := config["data"][name].get("sequences", block["batch"])) < block["batch"]:
            raise ConfigError(
                f"data.{name}.sequences = {N} is too small for {key}: allowed is its batch = {block['batch']} or more"
            )
    for task in block["tasks"]:
        with_key(f"{key}.tasks", lambda task=task: make_task(task).check(block["T"], block["inputs"]))
    if (late := max(block["checkpoints"])) > block["updates"]:
        raise ConfigError(f"{key}.checkpoints: {late} is after the last update, updates = {block['updates']}")


def check_effective_lr(key, block, config):
    for cell in block["cells"]:
        known(f"{key}.cells", "cell", cell, config)
    known(f"{key}.optimizer", "optimizer", block["optimizer"], config)
    check_training(key, block, config)
    for checkpoint in block.get("predictor_checkpoints", []):
        lookup_in(f"{key}.predictor_checkpoints", checkpoint, block["checkpoints"], f"{key}.checkpoints")


def check_expansion(key, block, config):
    for cell in block["cells"]:
        known(f"{key}.cells", "cell", cell, config)


def check_anisotropy(key, block, config):
    for model in block["models"]:
        cell, dash, optimizer = model.partition("-")
        if not dash:
            raise ConfigError(f"{key}.models: {model!r} is no model, write cell-optimizer, such as multi-sgd")
        known(f"{key}.models", "cell", cell, config)
        known(f"{key}.models", "optimizer", optimizer, config)
    check_training(key, block, config)
    if (lag := max(block["lags"])) >= block["T"]:
        raise ConfigError(f"{key}.lags: {lag} is too long for T = {block['T']}, allowed is less than T")
    for lag in block["summary_lags"]:
        lookup_in(f"{key}.summary_lags", lag, block["lags"], f"{key}.lags")
    if block["rank"] > config["units"]:
        raise ConfigError(
            f"{key}.rank = {block['rank']} is too large: there are units = {config['units']} singular values"
        )
    # Their mean is taken off, which leaves one singular value fewer.
    if block["rank"] >= block["gradients"]:
        raise ConfigError(
            f"{key}.rank = {block['rank']} is too large: there are gradients = {block['gradients']} rows, and it must "
            "be less than that, since their mean is taken off"
        )


def check_gates(key, block, config):
    """It measures what `anisotropy` and `effective_lr` have trained."""
    for name in ("anisotropy", "effective_lr"):
        if max(block["lags"]) >= config[name]["T"]:
            raise ConfigError(f"{key}.lags: {max(block['lags'])} is too long for {name}.T = {config[name]['T']}")
    if block["samples"] > block["probe_batch"]:
        raise ConfigError(f"{key}.samples = {block['samples']} is more than {key}.probe_batch = {block['probe_batch']}")
    if block["rank"] > config["units"]:
        raise ConfigError(f"{key}.rank = {block['rank']} is too large: there are units = {config['units']}")
    for model in block["compared"]:
        check_compared(f"{key}.compared", model, config)
    for list_of in ("compared", "references"):
        for model in block[list_of]:
            lookup_in(f"{key}.{list_of}", model, config["anisotropy"]["models"], "anisotropy.models")


def check_compared(key, model, config):
    """Its units have steps of their own, to be compared with Adam's."""
    cell = model.partition("-")[0]
    known(key, "cell", cell, config)
    if not build_cell(cell_settings(config, cell, inputs=1)).gate_for_each_unit:
        raise ConfigError(f"{key}: {model} gives all units one step, allowed are cells with a gate for each unit")


def check_differences(key, block, config):
    """It measures what other experiments train, as the released code would."""
    keys = {"anisotropy": ("models", "tasks", "checkpoints", "training_tasks", "training_checkpoints")}
    keys["effective_lr"] = ("slope_tasks", "slope_checkpoints")
    for other, names in keys.items():
        for name in names:
            like = name.split("_")[-1]
            for value in block[name]:
                lookup_in(f"{key}.{name}", value, config[other][like], f"{other}.{like}")
    for model in block["models"]:
        if not released(config, [model]):
            raise ConfigError(f"{key}.models: the released code has no {model}, its cells are {', '.join(RELEASED)}")


def check_networks(key, block, config):
    """It measures networks from files, by the protocols of the other experiments."""
    for name, entry in block.items():
        known(f"{key}.{name}.cell", "cell", entry["cell"], config)
        if ("task" in entry) == ("data" in entry):
            raise ConfigError(f"{key}.{name}: name a task, or a file of sequences as data, and not both")
        with_key(f"{key}.{name}", lambda name=name: check_network(config, name))


def lookup_in(key, value, values, source):
    if value not in values:
        raise ConfigError(f"{key}: {value} is not in {source} ({', '.join(map(str, values))})")


EXPERIMENTS = {
    "effective_lr": check_effective_lr,
    "expansion": check_expansion,
    "anisotropy": check_anisotropy,
    "gates": check_gates,
    "differences": check_differences,
    "networks": check_networks,
}
