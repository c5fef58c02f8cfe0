"""Draws the anisotropy of all models on one task, and their losses, for each data that they are trained on."""

from engine.figures.anisotropy import anisotropy_figure
from engine.figures.style import save_figure
from engine.results.netcdf import load
from workflow.job import start

start(snakemake)
params = snakemake.params
trained = [tuple(data_and_model) for data_and_model in params.trained]
measured, trainings = (
    {of: load(path) for of, path in zip(trained, paths, strict=True)}
    for paths in (snakemake.input.measured, snakemake.input.training)
)
save_figure(anisotropy_figure(measured, trainings, params.rank), snakemake.output)
