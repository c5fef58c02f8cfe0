"""The summary of all models on all tasks, as CSV and as a page."""

import pandas as pd

from engine.common import markdown
from engine.common.files import write_text
from engine.results.netcdf import load
from engine.verdicts.intervals import said
from engine.verdicts.summary import loss_before, summary_rows
from workflow.job import start

start(snakemake)
params, rows = snakemake.params, []
for (data, task, model), *paths in zip(
    params.measured, snakemake.input.measured, snakemake.input.training, strict=True
):
    ds, training = map(load, paths)
    arrays = {name: variable.values for name, variable in ds.data_vars.items()}
    arrays |= {
        "loss": loss_before(ds.checkpoint.values, training.loss.values),
        "probe_loss": training.probe_loss.values,
    }
    found = summary_rows(arrays, ds.lag.values, ds.checkpoint.values, params.lags)
    rows += [{"data": data, "task": task, "model": model} | row for row in found]

write_text(snakemake.output.csv, pd.DataFrame(rows).to_csv(index=False))
keys = ["data", "task", "model", "checkpoint", "seeds"]
values = [name for name in rows[0] if f"{name}_low" in rows[0]]
shown = [{key: row[key] for key in keys} | {name: said(row, name) for name in values} for row in rows]
page = f"""# Run {params.run}: anisotropy

Mean [95% interval] over seeds; AI in logs. AI = s_1/s_r and CE of Jacobian products at the lags named, and of
per-sample gradients. loss: mean over the last updates before the checkpoint, on training data; probe_loss: on sequences
that the network was not trained on. If double precision does not resolve the AI of some seeds, there is no mean: the
median over all seeds takes its place, and these seeds count as larger than all others. If seeds are missing because
their training diverged, the number of seeds is given. All numbers are in summary.csv.

"""
write_text(snakemake.output.page, page + markdown.table(shown))
