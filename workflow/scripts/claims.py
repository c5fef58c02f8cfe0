"""Verdicts on the claims of config/claims.yaml, with every case, and the decompositions, as CSV and as a page."""

from functools import cache

import pandas as pd
import yaml

from engine.common import markdown
from engine.common.files import write_text
from engine.common.words import data_label
from engine.results.netcdf import load
from engine.verdicts.claim_cases import Measured, Results
from engine.verdicts.claims import evaluate
from engine.verdicts.factorial import table
from engine.verdicts.regimes import heading, in_words, side_by_side
from workflow.job import start

start(snakemake)
params = snakemake.params
measured = dict(zip(params.measured, snakemake.input.measured, strict=True))


@cache
def read(source, data, task, cell, optimizer):
    """The results of a run, as the claims read them; None for a missing file."""
    if (source, data, task, cell, optimizer) not in measured:
        return None
    ds = load(measured[source, data, task, cell, optimizer])
    arrays = {name: (variable.dims, variable.values) for name, variable in ds.data_vars.items()}
    return Measured(arrays, {dim: ds[dim].values for dim in ds.coords})


def on(data_of):
    """Results of {source: data}; a source without training has none."""
    return Results(params.tasks, cells, optimizers, lambda source, *of: read(source, data_of.get(source, ""), *of))


def about(data_of, rows):
    """The rows, each with the data that its file is about."""
    return [{"data": data_of.get(row["measured_in"], "")} | row for row in rows]


cells, optimizers = (list(dict.fromkeys(names)) for names in zip(*(m.split("-") for m in params.models), strict=True))
with open(snakemake.input.claims, encoding="utf-8") as declared:
    document = yaml.safe_load(declared)
verdicts, found = {}, {"cases": [], "effects": [], "means": []}
for data, data_of in params.verdicts.items():
    rows, verdicts[data] = evaluate(document, on(data_of))
    found["cases"] += [{"verdict_on": data} | row for row in about(data_of, rows)]
    for name, rows in zip(("effects", "means"), table(document, on(data_of)), strict=True):
        found[name] += about(data_of, rows)
found["claims"] = side_by_side(verdicts, params.sets)
for name, rows in found.items():
    write_text(snakemake.output[name], pd.DataFrame(rows).to_csv(index=False))

page = f"""# The claims of the abstract, judged by this run

The paper's runs have one batch in `anisotropy` and fresh data in `effective_lr`. Verdicts of this run, side by side:

{heading(params.verdicts, params.sets)}

A verdict rests on cases, one for each test, task and choice such as a lag, and on seeds. "Where measured" says that
this run has not measured all cases of a claim. Every case, with its seeds, effect size and 95% interval, is in
claim_cases.csv; the tests of each claim are in config/claims.yaml.

"""
lines = [
    {"claim": row["claim"], "sentence": row["sentence"]}
    | {data_label(data): in_words(row, data) for data in verdicts}
    | {"data compared": row["comparison"], "what this run lacks is judged by": row["command"]}
    for row in found["claims"]
]
write_text(snakemake.output.page, page + markdown.table(lines))
