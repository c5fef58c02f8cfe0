"""Draws what predicts the effective learning rates of all cells on one task."""

from engine.figures.effective_lr import predictor_figure
from engine.figures.style import save_figure
from engine.results.netcdf import load
from workflow.job import start

start(snakemake)
datasets = {cell: load(path) for cell, path in zip(snakemake.params.cells, snakemake.input.measured, strict=True)}
save_figure(predictor_figure(datasets), snakemake.output)
