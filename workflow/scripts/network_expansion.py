"""First-order expansion of the product of Jacobians of a network of one's own."""

from engine.common.backend import placement
from engine.measures.expansion import QUANTITIES, measure_networks
from engine.results.netcdf import dataset, save
from engine.results.networks import load_networks
from workflow.job import attributes, start
from workflow.probe import described, probed_task

start(snakemake)
protocol, task = snakemake.params.protocol, probed_task(snakemake)
place = placement(snakemake.resources.get("gpu", 0))
networks = load_networks(snakemake.input.networks)
arrays = measure_networks(networks, task, **protocol, place=place)
coords = {"seed": networks.seeds, "epsilon": protocol["epsilons"], "step": range(1, protocol["T"] + 1)}
title = f"First-order expansion of the product of Jacobians: {described(snakemake, task)}"
save(dataset(QUANTITIES, arrays, coords, attributes(snakemake, title, "float64", place)), snakemake.output[0])
