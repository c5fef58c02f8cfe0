"""Draws the coupling of time scales of every model, task and checkpoint, one figure for each kind of training data."""

import pandas as pd

from engine.figures.coupling import coupling_figure
from engine.figures.style import save_figure
from workflow.job import start

start(snakemake)
table, output = pd.read_csv(snakemake.input.coupling), snakemake.output
for data, pdf, png in zip(snakemake.params.data, output.pdf, output.png, strict=True):
    save_figure(coupling_figure(table[table.data == data]), (pdf, png))
