"""A network of one's own, from a file with its weights to a file like those of the run's own networks."""

from engine.common.backend import CPU
from engine.results.importing import read_network
from engine.results.networks import save_networks
from engine.results.provenance import file_attributes
from workflow.job import attributes, log, start

start(snakemake)
params, file = snakemake.params, snakemake.input.file
imported = read_network(file, **params.network)
if imported.left_out:
    log.warning("%s: left out: %s", file, ", ".join(imported.left_out))
title = f"Network {snakemake.wildcards.network}: a {imported.cell.name} cell, imported"
about = attributes(snakemake, title, str(imported.parameters.W.dtype), CPU)
about |= file_attributes("weights", file)
[seed] = params.seeds
save_networks(imported.networks(seed), about, snakemake.output[0])
