"""The coupling of time scales in parameter and state space, of every model on every task."""

import pandas as pd

from engine.common.files import write_text
from engine.results.netcdf import load
from engine.verdicts.coupling import rows
from workflow.job import start

start(snakemake)
found = []
for (experiment, data, task, model), path in zip(snakemake.params.gates, snakemake.input.gates, strict=True):
    ds = load(path)
    names = {"experiment": experiment, "data": data, "task": task, "model": model}
    arrays = {name: variable.values for name, variable in ds.data_vars.items()}
    found += [names | row for row in rows(arrays, ds.checkpoint.values.tolist())]
write_text(snakemake.output[0], pd.DataFrame(found).to_csv(index=False))
