"""Draws the alignment of transport and the updates of every model, task by task."""

from engine.figures.alignment import alignment_figure
from engine.figures.style import save_figure
from engine.results.netcdf import load
from workflow.job import start

start(snakemake)
params, output = snakemake.params, snakemake.output
gates, training = iter(snakemake.input.gates), iter(snakemake.input.training)
for _task, pdf, png in zip(params.tasks, output.pdf, output.png, strict=True):
    of_gates, of_training = ({model: load(next(paths)) for model in params.models} for paths in (gates, training))
    save_figure(alignment_figure(of_gates, of_training), (pdf, png))
