"""Puts the files of all blocks of seeds together, as one job over all seeds would have written them."""

from engine.results.netcdf import join, load, save
from workflow.job import start

start(snakemake)
save(join([load(path) for path in snakemake.input.blocks]), snakemake.output[0])
