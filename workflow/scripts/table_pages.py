"""Every table of the run as a page of HTML."""

import pandas as pd

from engine.common.files import write_text
from engine.figures.tables import page
from workflow.job import start

start(snakemake)
for title, path, output in zip(snakemake.params.titles, snakemake.input.tables, snakemake.output, strict=True):
    write_text(output, page(pd.read_csv(path), title))
