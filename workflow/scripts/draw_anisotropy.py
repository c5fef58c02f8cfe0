"""Draws the anisotropy of all models on one task."""

from engine.figures.anisotropy import anisotropy_figure
from engine.figures.style import save_figure
from engine.results.netcdf import load
from workflow.job import start

start(snakemake)
params = snakemake.params
datasets = {model: load(path) for model, path in zip(params.models, snakemake.input.measured, strict=True)}
save_figure(anisotropy_figure(datasets, params.rank), snakemake.output)
