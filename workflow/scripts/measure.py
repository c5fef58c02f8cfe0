"""Measures the networks of one file by one module of engine.measures: the one that the rule's params name."""

from importlib import import_module

from engine.common.backend import find_device
from engine.results.measuring import measured
from engine.results.netcdf import labelled, save
from engine.results.networks import load_networks
from workflow.job import attributes, start
from workflow.probe import described, files_of, probed_task

start(snakemake)
params, task = snakemake.params, probed_task(snakemake)
quantity = import_module(f"engine.measures.{params.quantity}")
device = find_device(snakemake.resources.get("gpu", 0))
networks = load_networks(snakemake.input.networks, params.seeds, params.get("checkpoints"))
ds = measured(quantity, networks, task, device=device, **params.protocol)
about = attributes(snakemake, f"{quantity.TITLE}: {described(snakemake, task)}", "float64", device)
save(labelled(ds, about | files_of(snakemake)), snakemake.output[0])
