"""Effective learning rates by lag, and their predictors, of one cell on one task."""

from engine.common.backend import placement
from engine.measures.effective_lr import QUANTITIES, first_and_last, measure
from engine.results.netcdf import dataset, save
from engine.results.networks import load_networks
from workflow.job import attributes, start
from workflow.probe import probed_task

start(snakemake)
params, task = snakemake.params, probed_task(snakemake)
place = placement(snakemake.resources.get("gpu", 0))
networks = load_networks(snakemake.input.networks, snakemake.params.seeds)
arrays = measure(networks, task, rate=params.rate, **params.protocol, place=place)
T = params.protocol["T"]
coords = {
    "seed": networks.seeds,
    "checkpoint": networks.checkpoints,
    "predictor_checkpoint": params.protocol.get("predictor_checkpoints") or first_and_last(networks.checkpoints),
    "lag": range(1, T),
    "neuron": range(networks.cell.units),
}
title = f"Effective learning rates by lag: {snakemake.wildcards.get('network') or networks.cell.name} on {task}"
save(dataset(QUANTITIES, arrays, coords, attributes(snakemake, title, "float64", place)), snakemake.output[0])
