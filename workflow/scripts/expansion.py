"""First-order expansion of one cell's product of Jacobians."""

from engine.common.backend import find_device
from engine.measures.expansion import QUANTITIES, TITLE, measure_untrained
from engine.results.netcdf import dataset, save
from workflow.job import attributes, start
from workflow.parts import build_cell

start(snakemake)
params = snakemake.params
cell, device = build_cell(params.cell), find_device(snakemake.resources.get("gpu", 0))
arrays = measure_untrained(cell, params.seeds, **params.protocol, device=device)
coords = {"seed": params.seeds, "epsilon": params.protocol["epsilons"], "step": range(1, params.protocol["T"] + 1)}
title = f"{TITLE}: {cell.name}"
save(dataset(QUANTITIES, arrays, coords, attributes(snakemake, title, "float64", device)), snakemake.output[0])
