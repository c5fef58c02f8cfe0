"""Trains one cell with one optimizer on one task, all seeds in one file."""

from engine.backend import placement
from engine.datasets import save_training
from engine.training import train
from workflow.job import attributes, start
from workflow.parts import build_cell, build_optimizer

start(snakemake)
params = snakemake.params
cell = build_cell(params.cell)
rule, rate = build_optimizer(params.optimizer, params.protocol["updates"])
place = placement(snakemake.resources.get("gpu", 0))
training = train(
    cell,
    rule,
    rate,
    snakemake.wildcards.task,
    params.seeds,
    **params.protocol,
    dtype=params.training["dtype"],
    place=place,
)
title = f"Training of {cell.name} with {rule.name} on {snakemake.wildcards.task}"
coords = {"seed": params.seeds, "checkpoint": sorted(params.protocol["checkpoints"])}
save_training(
    training, cell, coords, attributes(snakemake, title, params.training["dtype"], place), snakemake.output[0]
)
