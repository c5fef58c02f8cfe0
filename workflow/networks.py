"""Settings of the user's networks, from an entry under `networks`, its files and the protocols."""

from math import inf
from types import SimpleNamespace

from engine.common.files import full_path
from engine.results.formats import read_weights
from engine.results.importing import read_network
from engine.results.matching import fit_mistakes
from engine.results.protocols import SHORTEST, protocol_mistakes
from engine.tasks import make_task
from engine.tasks.recorded import Recorded, read_sequences
from workflow import sizes
from workflow.mistakes import as_far_as_readable, tried
from workflow.parts import cell_settings, smallest_cell

# Measurements of a network, and the keys of their protocol in the block of the same name.
PROTOCOLS = {
    "expansion": ("epsilons",),
    "effective_lr": ("probe_batch", "pairs"),
    "anisotropy": ("probe_batch", "lags", "pairs", "gradients", "rank"),
    "gates": ("probe_batch", "samples", "lags", "rank"),
    "lyapunov": ("transient", "blocks", "samples", "exponents"),
}


def network_settings(config, name):
    """Arguments of `read_network` for the network called `name`."""
    entry = config["networks"][name]
    cell = cell_settings(config, entry["cell"], inputs=1)
    keys = ("readout", "ignore", "layer", "start", "direction", "number", "names")
    asked = {key: entry[key] for key in keys if key in entry}
    return {"kind": cell["kind"], "options": cell["options"]} | asked


def imported(config, name):
    """The Imported network called `name`; ValueError if its file does not fit."""
    return read_network(config["networks"][name]["file"], **network_settings(config, name))


def recorded(config, name):
    """The file with the sequences of the network called `name`; [] if a task draws them."""
    return config["networks"][name].get("data", [])


def sequences(config, name):
    """The sequences on which the network called `name` is measured, as a task; ValueError if there are none."""
    entry = config["networks"][name]
    return read_sequences(entry["data"], entry.get("loss")) if "data" in entry else make_task(entry["task"])


def has_loss(network, task):
    """Whether an Imported network has a readout, and its sequences have targets."""
    return network.parameters.has_readout and task.has_targets


def length(config, quantity, task):
    """{key: T} of recorded sequences, or the T at which the run's own networks are measured."""
    if isinstance(task, Recorded):
        return {"T": task.sizes[0]}
    block = "anisotropy" if quantity == "gates" else quantity
    return {f"{block}.T": config[block]["T"]}


def protocol(config, name, quantity):
    """How the network called `name` is measured: PROTOCOLS of the quantity, `rank` as r, with T and its own rate."""
    block, task = config[quantity], sequences(config, name)
    found = {"r" if key == "rank" else key: block[key] for key in PROTOCOLS[quantity] if key in block}
    if "gradients" in found and not has_loss(imported(config, name), task):
        found["gradients"] = 0
    if quantity == "effective_lr":
        found["rate"] = config["networks"][name].get("rate", 1.0)
    [T] = length(config, quantity, task).values()
    return found | {"T": T}


def network_mistakes(config, name):
    """All reasons why the network called `name` cannot be measured as the configuration says, a line each."""
    entry = config["networks"][name]
    known = entry["cell"] in config["cells"]
    if known and tried(lambda: smallest_cell(config, entry["cell"]))[0]:
        network, wrong = tried(lambda: imported(config, name))
    else:  # what its file should hold is unknown
        network, (_, wrong) = None, tried(lambda: read_weights(entry["file"]))
    yield from wrong
    task, wrong = tried(lambda: sequences(config, name)) if {"task", "data"} & entry.keys() else (None, [])
    yield from wrong
    for quantity in PROTOCOLS:
        yield from as_far_as_readable(misfits(config, name, quantity, network, task))
    if "loss" in entry and "data" not in entry:
        yield "loss: it is that of targets in a file of `data`; a task says its own"
    if network and task:
        yield from (f"{of_data(config, name)}{line}" for line in fit_mistakes(network, task))


def of_data(config, name):
    """The start of a line on the sequences of the network called `name`: their file; "" if a task draws them."""
    data = recorded(config, name)
    return f"{full_path(data)}: " if data else ""


def misfits(config, name, quantity, network, task):
    """What of the block `quantity` does not fit a network or its sequences; either is None if it could not be read."""
    asked = dict(config[quantity])
    if not (network and task and has_loss(network, task)):
        asked["gradients"] = 0
    lengths = length(config, quantity, task) if task else {}
    if isinstance(task, Recorded):
        [T], (_, _, count) = lengths.values(), task.sizes
        if T < SHORTEST:
            yield f"data: its sequences have T = {T}, allowed is T = {SHORTEST} or more"
            lengths = {}
        for key in ("probe_batch", "gradients", "samples"):
            if asked.get(key, 0) > count:
                yield f"data: it has {count} sequences, and {quantity}.{key} = {asked[key]} asks for more"
    yield from protocol_mistakes(quantity, asked, lengths, network.cell.state_size if network else inf)
    if network:
        for T in lengths.values():
            wrong = tried(lambda T=T: task.check(T, network.cell.inputs))[1]
            yield from (f"{of_data(config, name)}{line}" for line in wrong)


def size(config, w, seeds):
    """The Size of measuring w.quantity of the network w.network, as in workflow/sizes.py, and what its readout adds."""
    network, task = imported(config, w.network), sequences(config, w.network)
    cell = network.cell
    T = protocol(config, w.network, w.quantity)["T"]
    block = config[w.quantity] | {"T": T, "inputs": cell.inputs, "checkpoints": [0]}
    alone = config | {"units": cell.units, w.quantity: block}
    job = SimpleNamespace(cell=config["networks"][w.network]["cell"], experiment=w.quantity, task=task)
    found = getattr(sizes, w.quantity)(alone, job, 1)
    return found._replace(numbers=found.numbers + readout_numbers(block, network, task))


def readout_numbers(block, network, task):
    """Numbers held of the gradients of a readout, of each sample, and of its outputs at the steps of the loss."""
    gradients, probes = (block.get(key, 0) for key in ("gradients", "probe_batch"))
    outputs = task.loss.steps * network.parameters.outputs
    return 4 * gradients * network.parameters.W_o.size + 8 * max(gradients, probes) * outputs
