"""All departures in one table: as CSV, and as a page with those that change a number by a hundredth or more."""

import pandas as pd

from engine.common.files import write_text
from engine.results.netcdf import load
from engine.verdicts.summary import departure_rows, markdown_table, slope_rows
from workflow.job import start

start(snakemake)
params, rows, slopes = snakemake.params, [], []
for (data, task, model), path in zip(params.measured, snakemake.input.measured, strict=True):
    ds = load(path)
    rows += [{"data": data, "task": task, "model": model} | row for row in departure_rows(ds.data_vars, ds.coords)]
for (data, task, cell), path in zip(params.slopes, snakemake.input.slopes, strict=True):
    ds = load(path)
    slopes += [{"data": data, "task": task, "model": cell} | row for row in slope_rows(ds.slope.values, ds.coords)]
write_text(snakemake.output.csv, pd.DataFrame(rows + slopes).to_csv(index=False))

touched = [row for row in rows if not abs(row["released"] / row["defined"] - 1) < 0.01]
page = f"""# What the released code computes instead

Medians over {ds.sizes["seed"]} seeds. Departures that change a number by less than 1 % are left out here; all of them
are in differences.csv.

"""
columns = ["data", "task", "model", "checkpoint", "quantity", "departure", "lag", "defined", "released"]
page += markdown_table(touched, columns) + "\n## Slope of log S on log P0\n\n"
page += markdown_table(slopes, ["data", "task", "model", "checkpoint", "departure", "defined", "released"])
write_text(snakemake.output.page, page)
