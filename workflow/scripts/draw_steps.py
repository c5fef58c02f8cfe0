"""Draws the steps that multi gates give to units beside those of adaptive optimizers, model by model."""

from itertools import product

from engine.figures.steps import Compared, steps_figure
from engine.figures.style import save_figure
from engine.results.netcdf import load
from workflow.job import start

start(snakemake)
params, output = snakemake.params, snakemake.output


def datasets(paths, models):
    """{(task, model): dataset}."""
    return {key: load(path) for key, path in zip(product(params.tasks, models), paths, strict=True)}


steps, gates = (datasets(paths, params.models) for paths in (snakemake.input.steps, snakemake.input.gates))
references = datasets(snakemake.input.references, params.references)
for model, pdf, png in zip(params.models, output.pdf, output.png, strict=True):
    compared = {}
    for task in params.tasks:
        beside = {name: references[task, name] for name in params.references}
        compared[task] = Compared(gates[task, model], steps[task, model], beside)
    save_figure(steps_figure(compared, model), (pdf, png))
