"""Trains one cell with one optimizer on one task, all seeds in one file."""

from pathlib import Path

from engine.common.backend import find_device
from engine.results.trainings import save_training
from engine.tasks import make_task
from engine.training.checkpoint import Resume
from engine.training.train import train
from workflow.job import attributes, result_key, start
from workflow.parts import build_cell, build_optimizer

start(snakemake)
params = snakemake.params
cell, task = build_cell(params.cell), make_task(snakemake.wildcards.task)
rule, rate = build_optimizer(params.optimizer, params.protocol["updates"])
device = find_device(snakemake.resources.get("gpu", 0))
title = f"Training of {cell.name} with {rule.name} on {task}"
about = (snakemake, title, params.training["dtype"], device)
output = Path(snakemake.output[0])
resume = Resume(output.with_name(f".{output.name}.resume.npz"), result_key(*about))
training = train(
    cell,
    rule,
    rate,
    task,
    params.seeds,
    **params.protocol,
    **params.training,
    device=device,
    processes=max(1, snakemake.threads - 1),
    resume=resume,
)
coords = {"seed": params.seeds, "checkpoint": sorted(params.protocol["checkpoints"])}
save_training(training, cell, task.loss, coords, attributes(*about), output)
resume.remove()
