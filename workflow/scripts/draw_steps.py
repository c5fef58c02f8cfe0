"""Draws the steps that multi gates give to units beside those of adaptive optimizers, model by model."""

from engine.figures.steps import Compared, steps_figure
from engine.figures.style import save_figure
from engine.measures.step_sizes import SAME_NETWORK
from engine.results.netcdf import load
from workflow.job import start

start(snakemake)
params, output = snakemake.params, snakemake.output


def datasets(keys, paths):
    """{(data, task, model): dataset}."""
    return {tuple(key): load(path) for key, path in zip(keys, paths, strict=True)}


inputs = snakemake.input
steps, gates, networks = (datasets(params.steps, paths) for paths in (inputs.steps, inputs.gates, inputs.networks))
references = datasets(params.references, inputs.references)
pages = dict.fromkeys((data, model) for data, _, model in steps)
for (data, model), pdf, png in zip(pages, output.pdf, output.png, strict=True):
    compared = {}
    for task in (task for of, task, name in steps if (of, name) == (data, model)):
        beside = {name: ds.adaptive_step for (*of, name), ds in references.items() if of == [data, task]}
        beside[SAME_NETWORK] = networks[data, task, model].adaptive_step_beside
        compared[task] = Compared(gates[data, task, model], steps[data, task, model], beside)
    save_figure(steps_figure(compared, model), (pdf, png))
