"""A measured quantity as a labelled dataset: the one way from networks and sequences to what a file holds."""

import logging

from engine.common.backend import CPU
from engine.measures.each import left_out
from engine.results.importing import expectation_mistakes, output_mistakes
from engine.results.netcdf import dataset, labelled
from engine.results.networks import network_attributes
from engine.results.provenance import file_attributes, provenance
from engine.tasks import Task, make_task
from engine.tasks.recorded import Recorded

log = logging.getLogger(__name__)


def measured(quantity, networks, task, *, device=CPU, **protocol):
    """xarray.Dataset of what a module of engine.measures measures of Networks on a task, without global attributes.

    `protocol` has the arguments of its `measure`. What takes a loss or a readout that is not there is left out.
    """
    arrays = quantity.measure(networks, task, **protocol, device=device)
    has = {"readout": networks.parameters.has_readout, "targets": make_task(task).has_targets}
    if unsaid := left_out(quantity.QUANTITIES, **has):
        log.warning("without a readout and targets there is no loss, and so no %s", ", ".join(sorted(unsaid)))
    elif (loss := make_task(task).loss) != Task.loss:
        log.info("the loss is the mean %s of the last %d steps", loss.title, loss.steps)
    said = {name: array for name, array in arrays.items() if name not in unsaid}
    return dataset(quantity.QUANTITIES, said, quantity.coordinates(networks, **protocol), {})


def measure(quantity, network, task, *, seed=1, device=CPU, **protocol):
    """The dataset of one Imported network, with the attributes of a file; T may be left out for recorded sequences."""
    found = output_mistakes(network, make_task(task))
    if isinstance(task, Recorded):
        protocol = {"T": task.sizes[0]} | protocol
        found += expectation_mistakes(network, task)
    if found:
        raise ValueError("; ".join(found))
    ds = measured(quantity, network.networks(seed), task, device=device, **protocol)
    title = f"{quantity.TITLE}: {network.cell.name} on {task}"
    about = network_attributes(network.networks(seed)) | file_attributes("weights", network.path)
    return labelled(ds, provenance(title, protocol, "float64", device) | about)
