"""First-order expansion of one cell's product of Jacobians."""

from engine.common.backend import placement
from engine.measures.expansion import QUANTITIES, measure
from engine.results.netcdf import dataset, save
from workflow.job import attributes, start
from workflow.parts import build_cell

start(snakemake)
params = snakemake.params
cell, place = build_cell(params.cell), placement(snakemake.resources.get("gpu", 0))
arrays = measure(cell, params.seeds, **params.protocol, place=place)
coords = {"seed": params.seeds, "epsilon": params.protocol["epsilons"], "step": range(1, params.protocol["T"] + 1)}
title = f"First-order expansion of the product of Jacobians: {cell.name}"
save(dataset(QUANTITIES, arrays, coords, attributes(snakemake, title, "float64", place)), snakemake.output[0])
