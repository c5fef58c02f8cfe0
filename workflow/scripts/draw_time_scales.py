"""Draws the time scales of states and parameters of the models whose gates learn, page by page."""

import pandas as pd

from engine.figures.style import save_figure
from engine.figures.time_scales import time_scales_figure
from engine.results.netcdf import load
from workflow.job import start

start(snakemake)
params, output = snakemake.params, snakemake.output
coupling = pd.read_csv(snakemake.input.coupling)
coupling = coupling[coupling.experiment == "anisotropy"]
gates = iter(snakemake.input.gates)
for (data, task, models), pdf, png in zip(params.pages, output.pdf, output.png, strict=True):
    datasets = {model: load(next(gates)) for model in models}
    save_figure(time_scales_figure(datasets, coupling[(coupling.data == data) & (coupling.task == task)]), (pdf, png))
