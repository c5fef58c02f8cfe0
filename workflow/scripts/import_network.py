"""A network of one's own, from a file with its weights to a file like those of the run's own networks."""

from engine.common.backend import CPU
from engine.network.ensemble import Networks
from engine.network.unroll import Parameters
from engine.results.importing import read_network
from engine.results.networks import save_networks
from engine.results.provenance import file_attributes
from workflow.job import attributes, log, start

start(snakemake)
params, file = snakemake.params, snakemake.input.file
cell, parameters, left_out = read_network(file, **params.network)
if left_out:
    log.warning("%s: left out: %s", file, ", ".join(left_out))
networks = Networks(cell, Parameters(*(p[None] for p in parameters)), tuple(params.seeds), (0,))
title = f"Network {snakemake.wildcards.network}: a {cell.name} cell, imported"
about = attributes(snakemake, title, str(parameters.W.dtype), CPU)
about |= file_attributes("weights", file)
save_networks(networks, about, snakemake.output[0])
