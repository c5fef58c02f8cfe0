"""Draws the steps that multi gates give to units beside those of adaptive optimizers, model by model."""

from engine.figures.steps import Compared, steps_figure
from engine.figures.style import save_figure
from engine.results.netcdf import load
from workflow.job import start

start(snakemake)
params, output = snakemake.params, snakemake.output


def datasets(keys, paths):
    """{(task, model): dataset}."""
    return {tuple(key): load(path) for key, path in zip(keys, paths, strict=True)}


steps, gates = (datasets(params.steps, paths) for paths in (snakemake.input.steps, snakemake.input.gates))
references = datasets(params.references, snakemake.input.references)
for model, pdf, png in zip(dict.fromkeys(model for _, model in steps), output.pdf, output.png, strict=True):
    compared = {}
    for task in (task for task, of in steps if of == model):
        beside = {name: ds for (of, name), ds in references.items() if of == task}
        compared[task] = Compared(gates[task, model], steps[task, model], beside)
    save_figure(steps_figure(compared, model), (pdf, png))
