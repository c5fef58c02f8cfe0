"""Draws the alignment of transport and the updates of every model, task by task."""

from engine.figures.alignment import alignment_figure
from engine.figures.style import save_figure
from engine.results.netcdf import load
from workflow.job import start

start(snakemake)
trained, output = snakemake.params.trained, snakemake.output
gates, training = (
    dict(zip(map(tuple, trained), paths, strict=True)) for paths in (snakemake.input.gates, snakemake.input.training)
)
for of, pdf, png in zip(dict.fromkeys((data, task) for data, task, _ in trained), output.pdf, output.png, strict=True):
    models = [model for *other, model in trained if tuple(other) == of]
    of_gates, of_training = ({model: load(paths[*of, model]) for model in models} for paths in (gates, training))
    save_figure(alignment_figure(of_gates, of_training), (pdf, png))
