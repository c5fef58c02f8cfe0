"""Draws the first-order expansion of one cell."""

from engine.figures.expansion import expansion_figure
from engine.figures.style import save_figure
from engine.results.netcdf import load
from workflow.job import start

start(snakemake)
save_figure(expansion_figure(load(snakemake.input.measured), snakemake.wildcards.cell), snakemake.output)
