"""The task that the networks of a measuring job read."""

from engine.results.netcdf import read_attributes
from engine.results.provenance import file_attributes
from engine.tasks import make_task
from engine.tasks.recorded import read_sequences


def probed_task(snakemake):
    """Recorded sequences where the job has a file of them, else the task of its params or of its file's name."""
    if data := snakemake.input.get("data"):
        return read_sequences(data, snakemake.params.loss)
    return make_task(snakemake.params.get("task") or snakemake.wildcards.task)


def described(snakemake, task):
    """The networks and the task of a job in words."""
    names = snakemake.wildcards
    trained = [names[part] for part in ("cell", "optimizer") if part in names.keys()]  # noqa: SIM118  Namedlist iterates values
    return f"{names.get('network') or ' with '.join(trained)} on {task}"


def files_of(snakemake):
    """Attributes that say from which files a network of one's own and its sequences are; none for other networks."""
    if "network" not in snakemake.wildcards.keys():  # noqa: SIM118  Namedlist iterates values
        return {}
    network = read_attributes(snakemake.input.networks)
    weights = {name: network[name] for name in ("weights_file", "weights_sha256", "direction") if name in network}
    data = snakemake.input.get("data")
    return weights | (file_attributes("sequences", data) if data else {"task": snakemake.params.task})
