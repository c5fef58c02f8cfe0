"""Gates as optimizers, time scales and alignment of one model on one task."""

from engine.backend import placement
from engine.datasets import dataset, load_networks, save
from engine.gates import QUANTITIES, coordinates, measure
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
