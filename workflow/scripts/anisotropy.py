"""Anisotropy of propagation and updates of one model on one task."""

from engine.common.backend import placement
from engine.measures.anisotropy import QUANTITIES, measure
from engine.results.netcdf import dataset, save
from engine.results.networks import load_networks
from workflow.job import attributes, start
from workflow.probe import described, probed_task

start(snakemake)
protocol, task = snakemake.params.protocol, probed_task(snakemake)
place = placement(snakemake.resources.get("gpu", 0))
networks = load_networks(snakemake.input.networks, snakemake.params.seeds)
arrays = measure(networks, task, **protocol, place=place)
coords = {"seed": networks.seeds, "checkpoint": networks.checkpoints, "lag": protocol["lags"]}
coords |= {"pair": range(protocol["pairs"]), "rank": range(1, arrays["log_singular_values"].shape[-1] + 1)}
coords |= {"gradient_rank": range(1, arrays["gradient_singular_values"].shape[-1] + 1)}
title = f"Anisotropy of propagation and updates: {described(snakemake, task)}"
save(dataset(QUANTITIES, arrays, coords, attributes(snakemake, title, "float64", place)), snakemake.output[0])
