"""Draws what is carried over the lags, page by page."""

from engine.figures.gates import gates_figure
from engine.figures.style import save_figure
from engine.results.netcdf import load
from workflow.job import start

start(snakemake)
output = snakemake.output
for panels, pdf, png in zip(snakemake.params.pages.values(), output.pdf, output.png, strict=True):
    save_figure(gates_figure({name: load(path) for name, path in panels.items()}), (pdf, png))
