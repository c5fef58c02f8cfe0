"""Lyapunov exponents of untrained networks without input."""

from engine.common.backend import find_device
from engine.measures.lyapunov import QUANTITIES, TITLE, coordinates, measure_autonomous, random_networks
from engine.results.netcdf import dataset, save
from workflow.job import attributes, start
from workflow.parts import build_cell

start(snakemake)
params, device = snakemake.params, find_device(snakemake.resources.get("gpu", 0))
networks = random_networks(build_cell(params.cell), params.seeds, params.gain)
arrays = measure_autonomous(networks, **params.protocol, device=device)
coords = coordinates(networks, **params.protocol)
title = f"{TITLE}: {snakemake.wildcards.autonomous}, without input"
save(dataset(QUANTITIES, arrays, coords, attributes(snakemake, title, "float64", device)), snakemake.output[0])
