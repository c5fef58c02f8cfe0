"""The index of the run, as a page."""

from pathlib import Path

from engine.common.files import write_text
from workflow.index import page
from workflow.job import start

start(snakemake)
output = Path(snakemake.output[0])
write_text(output, page(output.parent, snakemake.params.config))
