"""Draws the alignment of transport and the updates of every model, task by task."""

from engine.figures.alignment import alignment_figure
from engine.figures.style import save_figure
from engine.results.netcdf import load
from workflow.job import start

start(snakemake)
trained, output = snakemake.params.trained, snakemake.output
gates, training = (
    dict(zip(trained, paths, strict=True)) for paths in (snakemake.input.gates, snakemake.input.training)
)
for task, pdf, png in zip(dict.fromkeys(task for task, _ in trained), output.pdf, output.png, strict=True):
    models = [model for of, model in trained if of == task]
    of_gates, of_training = ({model: load(paths[task, model]) for model in models} for paths in (gates, training))
    save_figure(alignment_figure(of_gates, of_training), (pdf, png))
