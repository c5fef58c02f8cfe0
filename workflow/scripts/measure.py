"""Measures the networks of one file by one module of engine.measures: the one that the rule's params name."""

from importlib import import_module

from engine.common.backend import find_device
from engine.results.netcdf import dataset, save
from engine.results.networks import load_networks
from workflow.job import attributes, start
from workflow.probe import described, probed_task

start(snakemake)
params, task = snakemake.params, probed_task(snakemake)
quantity = import_module(f"engine.measures.{params.quantity}")
device = find_device(snakemake.resources.get("gpu", 0))
networks = load_networks(snakemake.input.networks, params.seeds)
arrays = quantity.measure(networks, task, **params.protocol, device=device)
coords = quantity.coordinates(networks, **params.protocol)
title = f"{quantity.TITLE}: {described(snakemake, task)}"
save(dataset(quantity.QUANTITIES, arrays, coords, attributes(snakemake, title, "float64", device)), snakemake.output[0])
