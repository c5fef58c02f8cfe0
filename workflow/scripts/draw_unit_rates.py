"""Draws the effective rate of each unit of one cell on one task."""

from engine.figures.style import save_figure
from engine.figures.unit_rates import unit_rates_figure
from engine.results.netcdf import load
from workflow.job import start

start(snakemake)
save_figure(unit_rates_figure(load(snakemake.input.measured), snakemake.wildcards.cell), snakemake.output)
