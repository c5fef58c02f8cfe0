"""All differences in one table: as CSV, and as a page with those of a hundredth or more."""

import pandas as pd

from engine.common.files import write_text
from engine.common.words import data_label
from engine.results.netcdf import load
from engine.verdicts.differences import of_networks, one_update_later, rows, rows_of_each, table
from workflow.job import start

start(snakemake)
params, files = snakemake.params, snakemake.input
KEYS = ("data", "task", "model")
HEAD = """# What the released code computes instead

a → b: a by the definition, b in the released code; medians over so many `seeds`. Changes below 1 % are left out here;
differences.csv has all of them, at all lags and checkpoints.
"""


def datasets(kind):
    """{(data, task, model or cell): dataset}."""
    return {tuple(of): load(path) for of, path in zip(params[kind], files[kind], strict=True)}


def named(of, found):
    return [dict(zip(KEYS, of, strict=True)) | row for row in found]


def section(title, found):
    """A table of the page; empty if there is nothing to compare."""
    columns = (*KEYS, "checkpoint", "departure", "seeds")
    return f"\n## {title}\n\n{table(found, columns, params.lags)}" if found else ""


measured, trainings, checkpoints = datasets("measured"), datasets("training"), params.checkpoints
networks = {of: of_networks(ds, trainings[of]) for of, ds in measured.items()}
regimes, training, products, slopes = [], [], [], []
for (data, *of), ds in networks.items():
    if data != params.data:
        regimes += named((params.data, *of), rows(params.data, ds, networks[params.data, *of]))
for of, ds in datasets("jittered").items():
    jittered = of_networks(ds, ds)
    before, after = jittered.sel(checkpoint=checkpoints), one_update_later(jittered, checkpoints)
    training += named(of, rows("jitter", networks[of], before)) + named(of, rows("after_update", before, after))
for of, ds in datasets("products").items():
    products += named(of, rows_of_each(ds))
for of, ds in datasets("slopes").items():
    slopes += named(of, rows_of_each(ds, "slope_departure"))

write_text(snakemake.output.csv, pd.DataFrame(regimes + training + products + slopes).to_csv(index=False))
at_the_end = [row for row in regimes if row["checkpoint"] == checkpoints[-1]]
page = HEAD + section(f"{data_label(params.data).capitalize()} in place of fresh data", at_the_end)
page += section("Jitter between the repeated batches, checkpoints after the update", training)
page += section("Products of Jacobians", products) + section("Slope of log S on log P0", slopes)
write_text(snakemake.output.page, page)
