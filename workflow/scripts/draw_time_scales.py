"""Draws the time scales of states and parameters of the models whose gates learn, task by task."""

import pandas as pd

from engine.datasets import load
from engine.figures.style import save_figure
from engine.figures.time_scales import time_scales_figure
from workflow.job import start

start(snakemake)
params, output, paths = snakemake.params, snakemake.output, iter(snakemake.input.gates)
coupling = pd.read_csv(snakemake.input.coupling)
for task, pdf, png in zip(params.tasks, output.pdf, output.png, strict=True):
    datasets = {model: load(next(paths)) for model in params.models}
    rows = coupling[(coupling.experiment == "anisotropy") & (coupling.task == task)]
    save_figure(time_scales_figure(datasets, rows), (pdf, png))
