"""Settings of the user's networks, from an entry under `networks`, its files and the protocols."""

from math import inf
from types import SimpleNamespace

from engine.common.blocks import ends_of_blocks
from engine.results.importing import expectation_mistakes, read_network
from engine.tasks import make_task
from engine.tasks.recorded import read_sequences
from workflow import sizes
from workflow.parts import cell_settings

# Measurements of a network, and the keys of their protocol in the block of the same name.
PROTOCOLS = {
    "expansion": ("epsilons",),
    "effective_lr": ("probe_batch",),
    "anisotropy": ("probe_batch", "lags", "pairs", "gradients", "rank"),
    "gates": ("probe_batch", "samples", "lags", "rank"),
    "lyapunov": ("transient", "blocks", "samples", "exponents"),
}
SHORTEST = 3  # steps of a sequence from which effective rates by lag can be taken


def network_settings(config, name):
    """Arguments of `read_network` for the network called `name`."""
    entry = config["networks"][name]
    cell = cell_settings(config, entry["cell"], inputs=1)
    asked = {key: entry[key] for key in ("readout", "ignore", "layer", "start") if key in entry}
    return {"kind": cell["kind"], "options": cell["options"]} | asked


def imported(config, name):
    """The Imported network called `name`; ValueError if its file does not fit."""
    return read_network(config["networks"][name]["file"], **network_settings(config, name))


def recorded(config, name):
    """The file with the sequences of the network called `name`; [] if a task draws them."""
    return config["networks"][name].get("data", [])


def has_loss(config, name):
    """Whether the network called `name` has a readout, and its sequences have targets."""
    data = recorded(config, name)
    return imported(config, name).parameters.has_readout and (not data or read_sequences(data).has_targets)


def protocol(config, name, quantity):
    """How the network called `name` is measured: PROTOCOLS of the quantity, `rank` as r, with T and its own rate.

    T is that of the recorded sequences, or the one at which the run's own networks are measured.
    """
    entry, block = config["networks"][name], config[quantity]
    found = {"r" if key == "rank" else key: block[key] for key in PROTOCOLS[quantity] if key in block}
    if "gradients" in found and not has_loss(config, name):
        found["gradients"] = 0
    if quantity == "effective_lr":
        found["rate"] = entry.get("rate", 1.0)
    if "data" in entry:
        return found | {"T": read_sequences(entry["data"]).sizes[0]}
    return found | {"T": config["anisotropy" if quantity == "gates" else quantity]["T"]}


def check_network(config, name):
    """Raises ValueError with all reasons why a network cannot be measured as the configuration says."""
    entry, network = config["networks"][name], imported(config, name)
    task = read_sequences(entry["data"]) if "data" in entry else make_task(entry["task"])
    found = [line for quantity in PROTOCOLS for line in protocol_mistakes(config, name, quantity, network.cell, task)]
    if "data" in entry and not found:
        found = expectation_mistakes(network, task)
    if found:
        raise ValueError("; ".join(dict.fromkeys(found)))


def protocol_mistakes(config, name, quantity, cell, task):
    """What of the block `quantity` does not fit a network and the sequences on which it is measured."""
    asked, recorded = protocol(config, name, quantity), "data" in config["networks"][name]
    if recorded and asked["T"] < SHORTEST:
        yield f"data: its sequences have T = {asked['T']}, allowed is T = {SHORTEST} or more"
        return
    yield from refused(lambda: task.check(asked["T"], cell.inputs))
    for key in ("probe_batch", "gradients", "samples"):
        if recorded and asked.get(key, 0) > task.sizes[2]:
            yield f"data: it has {task.sizes[2]} sequences, and {quantity}.{key} = {asked[key]} asks for more"
    if (lag := max(asked.get("lags", [0]))) >= asked["T"]:
        yield f"{quantity}.lags: {lag} is too long for T = {asked['T']}"
    if (r := asked.get("r", 0)) > cell.state_size:
        yield f"{quantity}.rank = {r} is too large for a state of {cell.state_size}"
    if asked.get("gradients") and r >= asked["gradients"]:
        yield (
            f"{quantity}.rank = {r} is too large for {quantity}.gradients = {asked['gradients']}: it must be less, "
            "since their mean is taken off"
        )
    if "blocks" in asked:
        blocks = asked["T"], asked["transient"], asked["blocks"]
        yield from (f"{quantity}: {line}" for line in refused(lambda: ends_of_blocks(*blocks)))
    if asked.get("samples", 0) > asked.get("probe_batch", inf):
        yield f"{quantity}.samples = {asked['samples']} is more than {quantity}.probe_batch = {asked['probe_batch']}"


def refused(check):
    """[line] of what a check refuses, or [] where it does not."""
    try:
        check()
    except ValueError as error:
        return [str(error)]
    return []


def size(config, w, seeds):
    """The Size of measuring w.quantity of the network w.network, as in workflow/sizes.py."""
    cell = imported(config, w.network).cell
    T = protocol(config, w.network, w.quantity)["T"]
    block = config[w.quantity] | {"T": T, "inputs": cell.inputs, "checkpoints": [0]}
    alone = config | {"units": cell.units, w.quantity: block}
    job = SimpleNamespace(cell=config["networks"][w.network]["cell"], experiment=w.quantity)
    return getattr(sizes, w.quantity)(alone, job, 1)
