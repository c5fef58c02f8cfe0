"""Draws the effective learning rates of one cell on one task."""

from engine.figures.effective_lr import profile_figure
from engine.figures.style import save_figure
from engine.results.netcdf import load
from workflow.job import start

start(snakemake)
save_figure(profile_figure(load(snakemake.input.measured), snakemake.wildcards.cell), snakemake.output)
