"""For a notebook: an imported network and sequences in, what a run's file holds out (docs/notebook.md)."""

from engine.common.backend import CPU
from engine.results.matching import fit_mistakes
from engine.results.measuring import measured
from engine.results.netcdf import labelled
from engine.results.networks import network_attributes
from engine.results.protocols import argument_mistakes, protocol_mistakes, range_mistakes
from engine.results.provenance import file_attributes, provenance
from engine.tasks import make_task
from engine.tasks.recorded import Recorded


def measure(quantity, network, task, *, seed=1, device=CPU, **protocol):
    """The dataset of one Imported network, with the attributes of a file; T may be left out for recorded sequences.

    ValueError says all that does not fit, as before a run.
    """
    task = make_task(task)
    if isinstance(task, Recorded):
        protocol = {"T": task.sizes[0]} | protocol
    found = [*range_mistakes("measure", {"seed": seed}), *argument_mistakes(quantity, protocol)]
    if found := found or [*misfits(quantity, network, task, protocol)]:
        raise ValueError("; ".join(found))
    ds = measured(quantity, network.networks(seed), task, device=device, **protocol)
    title = f"{quantity.TITLE}: {network.cell.name} on {task}"
    about = network_attributes(network.networks(seed))
    about |= file_attributes("weights", network.path) if network.path else {}
    return labelled(ds, provenance(title, protocol, "float64", device) | about)


def misfits(quantity, network, task, protocol):
    """Lines on what of a network, a Task and the arguments does not fit together."""
    cell, name = network.cell, quantity.__name__.rpartition(".")[2]
    try:
        task.check(protocol["T"], cell.inputs)
    except ValueError as error:
        yield str(error)
    yield from fit_mistakes(network, task)
    yield from protocol_mistakes(name, protocol, {"T": protocol["T"]}, cell.state_size)
