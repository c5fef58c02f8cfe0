"""Draws the anisotropy of all models on one task, on every kind of training data."""

from engine.figures.anisotropy import anisotropy_figure
from engine.figures.style import save_figure
from engine.results.netcdf import load
from workflow.job import start

start(snakemake)
params = snakemake.params
measured = {tuple(of): load(path) for of, path in zip(params.trained, snakemake.input.measured, strict=True)}
first = {model: ds for (data, model), ds in measured.items() if data == params.trained[0][0]}
save_figure(anisotropy_figure(first, params.rank), snakemake.output)
