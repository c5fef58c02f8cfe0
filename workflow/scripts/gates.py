"""Gates as optimizers, time scales and alignment of one model on one task."""

from engine.common.backend import placement
from engine.measures.gates import QUANTITIES, coordinates, measure
from engine.results.netcdf import dataset, save
from engine.results.networks import load_networks
from workflow.job import attributes, start
from workflow.probe import described, probed_task

start(snakemake)
protocol, task = snakemake.params.protocol, probed_task(snakemake)
place = placement(snakemake.resources.get("gpu", 0))
networks = load_networks(snakemake.input.networks, snakemake.params.seeds)
arrays = measure(networks, task, **protocol, place=place)
coords = coordinates(networks, T=protocol["T"], lags=protocol["lags"])
title = f"Gates as optimizers, time scales, alignment: {described(snakemake, task)}"
save(dataset(QUANTITIES, arrays, coords, attributes(snakemake, title, "float64", place)), snakemake.output[0])
