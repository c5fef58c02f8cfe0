"""Draws how soon finite lags reach the largest Lyapunov exponent, of all models on one task."""

from engine.figures.long_lags import long_lags_figure
from engine.figures.style import save_figure
from engine.results.netcdf import load
from workflow.job import start

start(snakemake)
files = zip(snakemake.input.gates, snakemake.input.lyapunov, strict=True)
datasets = [tuple(map(load, pair)) for pair in files]
save_figure(long_lags_figure(dict(zip(snakemake.params.models, datasets, strict=True))), snakemake.output)
