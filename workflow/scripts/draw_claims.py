"""Draws the claims, every case with its interval."""

import pandas as pd

from engine.figures.claims import claims_figure
from engine.figures.style import save_figure
from workflow.job import start

start(snakemake)
claims, cases = (pd.read_csv(path) for path in (snakemake.input.claims, snakemake.input.cases))
save_figure(claims_figure(claims, cases), snakemake.output)
