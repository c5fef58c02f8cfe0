"""From entries of the configuration to cells and optimizers: settings (plain data, a rule's params), then objects."""

from inspect import getfile

from engine.cells import make_cell
from engine.optimizers import OPTIMIZERS, make_optimizer
from engine.optimizers.schedules import make_schedule
from engine.tasks import TASKS


def cell_settings(config, name, inputs):
    """Settings of the cell called `name` under `cells`; its kind is its name unless the entry says otherwise."""
    options = dict(config["cells"][name])
    return {"kind": options.pop("kind", name), "units": config["units"], "inputs": inputs, "options": options}


def autonomous_cell(config, name):
    """The same for the network called `name` under `lyapunov.autonomous`, which has no inputs."""
    entry = config["lyapunov"]["autonomous"][name]
    return cell_settings(config, entry["cell"], inputs=0) | {"units": entry["units"]}


def optimizer_settings(config, name):
    """Settings of the optimizer called `name` under `optimizers`; its rule is its name unless the entry has one."""
    entry = config["optimizers"][name]
    return {"rule": name, "options": {}, "schedule": {"name": "constant"}} | entry


def data_settings(config, name):
    """Arguments of `train` for the data called `name` under `data`: `sequences` and `jitter`, if given."""
    return dict(config["data"][name])


def build_cell(settings):
    """The Cell of `cell_settings`."""
    return make_cell(settings["kind"], settings["units"], settings["inputs"], **settings["options"])


def smallest_cell(config, name):
    """The cell called `name` under `cells`, of one unit: it shows whether its options fit, and what they say."""
    return build_cell(cell_settings({"cells": config["cells"], "units": 1}, name, inputs=1))


def build_optimizer(settings, updates):
    """The update rule of `optimizer_settings`, and its learning rate as a function of the update."""
    factor = make_schedule(updates, **settings["schedule"])
    return make_optimizer(settings["rule"], **settings["options"]), lambda k: settings["rate"] * factor(k)


def part_files(config, wildcards):
    """{"cell", "task", "optimizer": files} of those that a job's wildcards name, or the entry of its network."""
    named, found = wildcards, {}
    if network := wildcards.get("network"):
        named = config["networks"][network]
    if network := wildcards.get("autonomous"):
        named = config["lyapunov"]["autonomous"][network]
    if cell := named.get("cell"):
        made = smallest_cell(config, cell)
        found["cell"] = tuple(dict.fromkeys(getfile(type(part)) for part in (made, *made.layers)))
    if task := named.get("task"):
        found["task"] = (getfile(TASKS[task]),)
    if optimizer := named.get("optimizer"):
        found["optimizer"] = (getfile(OPTIMIZERS[optimizer_settings(config, optimizer)["rule"]]),)
    return found
