"""The coupling of time scales in parameter and state space, of every model on every task."""

from pathlib import Path

import pandas as pd

from engine.common.files import write_text
from engine.results.netcdf import load
from engine.verdicts.coupling import rows
from workflow.job import start

start(snakemake)
found = []
for path in snakemake.input.gates:
    ds = load(path)
    experiment, task, file = Path(path).parts[-3:]
    names = {"experiment": experiment, "task": task, "model": Path(file).stem}
    arrays = {name: variable.values for name, variable in ds.data_vars.items()}
    found += [names | row for row in rows(arrays, ds.checkpoint.values.tolist())]
write_text(snakemake.output[0], pd.DataFrame(found).to_csv(index=False))
