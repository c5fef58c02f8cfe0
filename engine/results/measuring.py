"""A measured quantity as a labelled dataset: the one way from networks and sequences to what a file holds."""

import logging

from engine.common.backend import CPU
from engine.measures.each import left_out
from engine.results.netcdf import dataset
from engine.tasks import Task, make_task

log = logging.getLogger(__name__)


def measured(quantity, networks, task, *, device=CPU, **protocol):
    """xarray.Dataset of what a module of engine.measures measures of Networks on a task, without global attributes.

    `protocol` has the arguments of its `measure`. What takes a loss or a readout that is not there is left out.
    """
    arrays = quantity.measure(networks, task, **protocol, device=device)
    has = {"readout": networks.parameters.has_readout, "targets": make_task(task).has_targets}
    if unsaid := left_out(quantity.QUANTITIES, **has):
        log.warning("without a readout and targets there is no loss, and so no %s", ", ".join(sorted(unsaid)))
    elif (loss := make_task(task).loss) != Task.loss and left_out(quantity.QUANTITIES, readout=True, targets=False):
        log.info("the loss is the mean %s", loss)
    said = {name: array for name, array in arrays.items() if name not in unsaid}
    return dataset(quantity.QUANTITIES, said, quantity.coordinates(networks, **protocol), {})
