"""Draws profiles over the lags, page by page."""

from engine.figures.gates import gates_figure
from engine.figures.style import save_figure
from engine.results.netcdf import load
from workflow.job import start

start(snakemake)
output, gates = snakemake.output, iter(snakemake.input.gates)
for panels, pdf, png in zip(snakemake.params.pages, output.pdf, output.png, strict=True):
    save_figure(gates_figure({panel: load(next(gates)) for panel in panels}), (pdf, png))
