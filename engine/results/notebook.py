"""For a notebook: an imported network and sequences in, what a run's file holds out (docs/notebook.md)."""

from engine.common.backend import CPU
from engine.results.matching import fit_mistakes
from engine.results.measuring import measured
from engine.results.netcdf import labelled
from engine.results.networks import network_attributes
from engine.results.provenance import file_attributes, provenance
from engine.tasks import make_task
from engine.tasks.recorded import Recorded


def measure(quantity, network, task, *, seed=1, device=CPU, **protocol):
    """The dataset of one Imported network, with the attributes of a file; T may be left out for recorded sequences."""
    if found := [*fit_mistakes(network, make_task(task))]:
        raise ValueError("; ".join(found))
    if isinstance(task, Recorded):
        protocol = {"T": task.sizes[0]} | protocol
    ds = measured(quantity, network.networks(seed), task, device=device, **protocol)
    title = f"{quantity.TITLE}: {network.cell.name} on {task}"
    about = network_attributes(network.networks(seed)) | file_attributes("weights", network.path)
    return labelled(ds, provenance(title, protocol, "float64", device) | about)
