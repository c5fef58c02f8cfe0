"""The steps that a multi gate gives its units, beside those that an adaptive optimizer gives them."""

import numpy as np

from engine.common.backend import placement
from engine.measures.step_sizes import COMPARISON_QUANTITIES, compare
from engine.results.netcdf import dataset, load, save
from workflow.job import attributes, start

start(snakemake)
params, wildcards = snakemake.params, snakemake.wildcards
gates = load(snakemake.input.gates)
steps = np.stack([load(path).adaptive_step.values for path in snakemake.input.references])
arrays = compare(gates.log_unit_gate_product.values, steps)
coords = {dim: gates[dim].values for dim in ("seed", "checkpoint", "probed_lag")} | {"reference": params.references}
title = f"Gate products and adaptive steps: {wildcards.cell} with {wildcards.optimizer} on {wildcards.task}"
about = attributes(snakemake, title, "float64", placement(0))
save(dataset(COMPARISON_QUANTITIES, arrays, coords, about), snakemake.output[0])
