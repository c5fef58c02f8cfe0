"""Table 1, measured: as CSV and as LaTeX."""

from pathlib import Path

import pandas as pd

from engine.common.files import write_text
from engine.results.netcdf import load
from engine.verdicts.table1 import latex, table, values
from workflow.job import start

start(snakemake)


def arrays(path):
    return {name: variable.values for name, variable in load(path).data_vars.items()}


steps = {Path(path).parts[-2:]: path for path in snakemake.input.steps}
measured = {}
for path in snakemake.input.gates:
    task, file = Path(path).parts[-2:]
    cell, optimizer = Path(file).stem.split("-")
    if optimizer == snakemake.params.optimizer:
        compared = arrays(steps[task, file]) if (task, file) in steps else None
        measured.setdefault(cell, {})[task] = values(arrays(path), compared)

rows = table(measured)
write_text(snakemake.output.csv, pd.DataFrame(rows).to_csv(index=False))
write_text(snakemake.output.latex, latex(rows))
