"""Measures anisotropy and sensitivity of one model by the released code, departure by departure."""

from engine.common.backend import find_device
from engine.measures.differences import DEPARTURES, QUANTITIES, measure
from engine.results.netcdf import dataset, save
from engine.results.networks import load_networks
from workflow.job import attributes, start

start(snakemake)
params, wildcards = snakemake.params, snakemake.wildcards
device = find_device(snakemake.resources.get("gpu", 0))
networks = load_networks(snakemake.input.networks, params.seeds, params.checkpoints)
arrays = measure(networks, wildcards.task, **params.protocol, device=device)
coords = {"seed": networks.seeds, "checkpoint": networks.checkpoints}
coords |= {"lag": params.protocol["lags"], "departure": list(DEPARTURES)}
title = (
    f"Definitions and departures of the released code: {wildcards.cell} with {wildcards.optimizer} on {wildcards.task}"
)
save(dataset(QUANTITIES, arrays, coords, attributes(snakemake, title, "float64", device)), snakemake.output[0])
