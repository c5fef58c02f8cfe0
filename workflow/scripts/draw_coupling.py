"""Draws the coupling of time scales of every model, task and checkpoint."""

import pandas as pd

from engine.figures.coupling import coupling_figure
from engine.figures.style import save_figure
from workflow.job import start

start(snakemake)
save_figure(coupling_figure(pd.read_csv(snakemake.input.coupling)), snakemake.output)
