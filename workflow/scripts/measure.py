"""Measures the networks of one file by one module of engine.measures: the one that the rule's params name."""

from importlib import import_module

from engine.common.backend import find_device
from engine.measures.each import left_out
from engine.results.netcdf import dataset, save
from engine.results.networks import load_networks
from engine.tasks import make_task
from workflow.job import attributes, log, start
from workflow.probe import described, files_of, probed_task

start(snakemake)
params, task = snakemake.params, probed_task(snakemake)
quantity = import_module(f"engine.measures.{params.quantity}")
device = find_device(snakemake.resources.get("gpu", 0))
networks = load_networks(snakemake.input.networks, params.seeds, params.get("checkpoints"))
arrays = quantity.measure(networks, task, **params.protocol, device=device)
has = {"readout": networks.parameters.has_readout, "targets": make_task(task).has_targets}
if unsaid := left_out(quantity.QUANTITIES, **has):
    log.warning("without a readout and targets there is no loss, and so no %s", ", ".join(sorted(unsaid)))
arrays = {name: array for name, array in arrays.items() if name not in unsaid}
coords = quantity.coordinates(networks, **params.protocol)
title = f"{quantity.TITLE}: {described(snakemake, task)}"
about = attributes(snakemake, title, "float64", device) | files_of(snakemake)
save(dataset(quantity.QUANTITIES, arrays, coords, about), snakemake.output[0])
