"""Draws what is the gate's and what the optimizer's: shares of all tasks, then the means task by task."""

import pandas as pd

from engine.figures.decomposition import means_figure, shares_figure
from engine.figures.style import save_figure
from workflow.job import start

start(snakemake)
output, means = snakemake.output, pd.read_csv(snakemake.input.means)
figures = [shares_figure(pd.read_csv(snakemake.input.effects))]
figures += [means_figure(means[means.task == task]) for task in snakemake.params.tasks]
for figure, pdf, png in zip(figures, output.pdf, output.png, strict=True):
    save_figure(figure, (pdf, png))
