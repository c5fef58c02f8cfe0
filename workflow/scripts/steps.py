"""Compares the step sizes of units by a multi gate and by adaptive optimizers."""

import numpy as np

from engine.common.backend import CPU
from engine.measures.step_sizes import COMPARISON_QUANTITIES, SAME_NETWORK, compare
from engine.results.netcdf import dataset, load, save
from workflow.job import attributes, start

start(snakemake)
params, wildcards = snakemake.params, snakemake.wildcards
gates = load(snakemake.input.gates)
steps = [load(path).adaptive_step for path in snakemake.input.references]
steps.append(load(snakemake.input.networks).adaptive_step_beside)
arrays = compare(gates.log_unit_gate_product.values, np.stack(steps))
coords = {dim: gates[dim].values for dim in ("seed", "checkpoint", "probed_lag")}
coords["reference"] = [*params.references, SAME_NETWORK]
title = f"Gate products and adaptive steps: {wildcards.cell} with {wildcards.optimizer} on {wildcards.task}"
about = attributes(snakemake, title, "float64", CPU)
save(dataset(COMPARISON_QUANTITIES, arrays, coords, about), snakemake.output[0])
