"""Verdicts on the claims of config/claims.yaml, with every case, and the decompositions, as CSV and as a page."""

from functools import cache

import pandas as pd
import yaml

from engine.common.files import write_text
from engine.results.netcdf import load
from engine.verdicts.claim_cases import Measured, Results
from engine.verdicts.claims import evaluate
from engine.verdicts.factorial import table
from engine.verdicts.summary import markdown_table
from workflow.job import start

start(snakemake)
params = snakemake.params
measured = dict(zip(params.measured, snakemake.input.measured, strict=True))


@cache
def read(source, task, cell, optimizer):
    """What a run has measured, as the claims want it; None for what it has not."""
    if (source, task, cell, optimizer) not in measured:
        return None
    ds = load(measured[source, task, cell, optimizer])
    arrays = {name: (variable.dims, variable.values) for name, variable in ds.data_vars.items()}
    return Measured(arrays, {dim: ds[dim].values for dim in ds.coords})


cells, optimizers = (list(dict.fromkeys(names)) for names in zip(*(m.split("-") for m in params.models), strict=True))
results = Results(params.tasks, cells, optimizers, read)
with open(snakemake.input.claims) as declared:
    document = yaml.safe_load(declared)
cases, verdicts = evaluate(document, results)
effects, means = table(document, results)
for name, rows in (("claims", verdicts), ("cases", cases), ("effects", effects), ("means", means)):
    write_text(snakemake.output[name], pd.DataFrame(rows).to_csv(index=False))

shown = ["claim", "sentence", "verdict", "holds", "contradicted", "undecided", "not_measured"]
page = "# The claims of the abstract, judged by this run\n\nEvery case, with effect size and 95% interval over seeds: "
page += "claim_cases.csv. What a claim is tested by: config/claims.yaml.\n\n"
write_text(snakemake.output.page, page + markdown_table(verdicts, shown))
