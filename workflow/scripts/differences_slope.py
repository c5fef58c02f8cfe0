"""The slope of log S on log P0 with the released code's power iteration and guards instead of the norm."""

from engine.common.backend import find_device
from engine.measures.differences import SLOPE_DEPARTURES, SLOPE_QUANTITIES, measure_slopes
from engine.results.netcdf import dataset, save
from engine.results.networks import load_networks
from workflow.job import attributes, start

start(snakemake)
params, wildcards = snakemake.params, snakemake.wildcards
device = find_device(snakemake.resources.get("gpu", 0))
networks = load_networks(snakemake.input.networks, params.seeds, params.checkpoints)
arrays = measure_slopes(networks, wildcards.task, **params.protocol, device=device)
coords = {"seed": networks.seeds, "checkpoint": networks.checkpoints, "slope_departure": list(SLOPE_DEPARTURES)}
title = f"Slope of log S on log P0, by definition and in the released code: {wildcards.cell} on {wildcards.task}"
save(dataset(SLOPE_QUANTITIES, arrays, coords, attributes(snakemake, title, "float64", device)), snakemake.output[0])
