"""Networks of one's own: what an entry under `networks`, the files that it names and the protocols say together."""

from types import SimpleNamespace

from engine.results.importing import read_network
from engine.tasks import make_task
from engine.tasks.recorded import read_sequences
from workflow import sizes
from workflow.parts import cell_settings

# What a network is measured by, and the keys of the block of that name that say how.
PROTOCOLS = {
    "expansion": ("epsilons",),
    "effective_lr": ("probe_batch",),
    "anisotropy": ("probe_batch", "lags", "pairs", "gradients", "rank"),
    "gates": ("probe_batch", "samples", "lags", "rank"),
}


def network_settings(config, name):
    """What `read_network` needs to import the network called `name`."""
    entry = config["networks"][name]
    cell = cell_settings(config, entry["cell"], inputs=1)
    return {"kind": cell["kind"], "options": cell["options"], "readout": entry.get("readout")}


def imported(config, name):
    """The Imported network called `name`; ValueError where its file does not fit."""
    return read_network(config["networks"][name]["file"], **network_settings(config, name))


def recorded(config, name):
    """The file with the sequences of the network called `name`; [] where a task draws them."""
    return config["networks"][name].get("data", [])


def protocol(config, name, quantity):
    """How the network called `name` is measured: PROTOCOLS of the quantity, `rank` as r, with T and its own rate.

    T is that of the recorded sequences, or the one at which the run's own networks are measured.
    """
    entry, block = config["networks"][name], config[quantity]
    found = {"r" if key == "rank" else key: block[key] for key in PROTOCOLS[quantity]}
    if quantity == "effective_lr":
        found["rate"] = entry.get("rate", 1.0)
    if "data" in entry:
        return found | {"T": read_sequences(entry["data"]).sizes[0]}
    return found | {"T": config["anisotropy" if quantity == "gates" else quantity]["T"]}


def check_network(config, name):
    """Raises ValueError where a network cannot be measured as the configuration says."""
    entry, (cell, *_) = config["networks"][name], imported(config, name)
    task = read_sequences(entry["data"]) if "data" in entry else make_task(entry["task"])
    for quantity in PROTOCOLS:
        asked = protocol(config, name, quantity)
        task.check(asked["T"], cell.inputs)
        if "data" in entry:
            task.check_count(max(asked.get("probe_batch", 1), asked.get("gradients", 1)))
        if (lag := max(asked.get("lags", [1]))) >= asked["T"]:
            raise ValueError(f"{quantity}.lags: {lag} is too long for T = {asked['T']}")
        if (r := asked.get("r", 1)) > cell.state_size:
            raise ValueError(f"{quantity}.rank = {r} is too large for a state of {cell.state_size}")


def size(config, w, seeds):
    """What measuring the network w.network by w.quantity takes, as in workflow/sizes.py."""
    cell = imported(config, w.network).cell
    T = protocol(config, w.network, w.quantity)["T"]
    block = config[w.quantity] | {"T": T, "inputs": cell.inputs, "checkpoints": [0]}
    alone = config | {"units": cell.units, w.quantity: block}
    job = SimpleNamespace(cell=config["networks"][w.network]["cell"], experiment=w.quantity)
    return getattr(sizes, w.quantity)(alone, job, 1)
