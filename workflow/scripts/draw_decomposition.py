"""Draws the decomposition by gate and optimizer: shares for each kind of data, then means task by task."""

import pandas as pd

from engine.figures.decomposition import means_figure, shares_figure
from engine.figures.style import save_figure
from workflow.job import start

start(snakemake)
output, params = snakemake.output, snakemake.params
effects, means = (pd.read_csv(path) for path in (snakemake.input.effects, snakemake.input.means))
figures = [shares_figure(effects[effects.data == data]) for data in params.data]
figures += [means_figure(means[(means.data == data) & (means.task == task)]) for data, task in params.trained]
for figure, pdf, png in zip(figures, output.pdf, output.png, strict=True):
    save_figure(figure, (pdf, png))
