"""Table 1, measured: as CSV and as LaTeX."""

import pandas as pd

from engine.common.files import write_text
from engine.results.netcdf import load
from engine.verdicts.table1 import latex, table, values
from workflow.job import start

start(snakemake)


def arrays(path):
    return {name: variable.values for name, variable in load(path).data_vars.items()}


params, measured = snakemake.params, {}
steps = dict(zip(map(tuple, params.steps), snakemake.input.steps, strict=True))
for (_, data, task, model), path in zip(params.gates, snakemake.input.gates, strict=True):
    cell, optimizer = model.split("-")
    if optimizer == params.optimizer:
        compared = arrays(steps[data, task, model]) if (data, task, model) in steps else None
        measured.setdefault(data, {}).setdefault(cell, {})[task] = values(arrays(path), compared)

rows = [{"data": data} | row for data, cells in measured.items() for row in table(cells)]
write_text(snakemake.output.csv, pd.DataFrame(rows).to_csv(index=False))
write_text(snakemake.output.latex, latex(rows))
