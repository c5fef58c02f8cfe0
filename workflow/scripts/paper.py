"""Copies of what the run has in common with the paper, under its numbers."""

from shutil import copyfile

from engine.common.files import atomic_write
from workflow.job import start

start(snakemake)
for file, copy in zip(snakemake.input.files, snakemake.output, strict=True):
    with atomic_write(copy) as part:
        copyfile(file, part)
