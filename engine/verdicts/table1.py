"""Table 1 of the paper, measured: the optimizer that a gate resembles, its parameter, the quality and range of the fit.

Each row has the trained networks of one cell: values by task, then their mean over tasks, with intervals over seeds.
"""

from typing import NamedTuple

import numpy as np

from engine.common.words import ALL_TASKS, data_label
from engine.verdicts import intervals

HEAD = (
    "Data",
    "Gate",
    "Resembles",
    "Equivalent parameter",
    "From gate or optimizer",
    "Quality of the fit",
    "Breaks down",
)


class Row(NamedTuple):
    """The comparison of a gate with an optimizer, and the names of its measured values."""

    gate: str
    cell: str
    optimizer: str  # in words
    parameter: str  # in words
    value: str  # the equivalent parameter, measured
    predicted: str  # the same, from the gates or the optimizer alone
    quality_in_words: str
    quality: str
    limit_in_words: str
    limit: str  # the lag or value at which it breaks down


ROWS = (
    Row(
        gate="constant",
        cell="leaky",
        optimizer="learning-rate schedule, geometric in the lag",
        parameter="factor per step of S",
        value="transport_factor",
        predicted="update_factor",
        quality_in_words="R^2 of the geometric fit to S",
        quality="transport_r_squared",
        limit_in_words="last lag at which S follows alpha^h within a factor 2",
        limit="schedule_horizon",
    ),
    Row(
        gate="scalar",
        cell="scalar",
        optimizer="momentum",
        parameter="beta of ||G_h||",
        value="gradient_factor",
        predicted="retention_factor",
        quality_in_words="R^2 of the geometric fit to ||G_h||",
        quality="gradient_r_squared",
        limit_in_words="last lag at which ||G_h|| follows prod (1 - g) within a factor 2",
        limit="momentum_horizon",
    ),
    Row(
        gate="multi",
        cell="multi",
        optimizer="Adam, training another network",
        parameter="variation over units of the gate product of one step",
        value="gate_step_variation",
        predicted="other_variation",
        quality_in_words="rank correlation over units with Adam's step, lag 1",
        quality="other_correlation",
        limit_in_words="the same at the longest probed lag",
        limit="other_correlation_late",
    ),
    Row(
        gate="multi",
        cell="multi",
        optimizer="Adam, on the gradients of the same network",
        parameter="variation over units of the gate product of one step",
        value="gate_step_variation",
        predicted="same_variation",
        quality_in_words="rank correlation over units with Adam's step, lag 1",
        quality="same_correlation",
        limit_in_words="the same at the longest probed lag",
        limit="same_correlation_late",
    ),
)


NUMBERS = ("value", "predicted", "quality", "limit")  # the columns of the table that are measured


def values(gates, steps=None):
    """{name: (seed,)} that ROWS need, at the last checkpoint, from arrays of measures.gates (seed, checkpoint, ...).

    `steps` are the arrays of step_sizes.compare for the same networks, if they have a gate for each unit. Of its
    references the first is taken, which is another network [OPT.adam], and the last, the same one [OPT.adam.same].
    """
    found = {}
    for i, profile in enumerate(("transport", "update", "retention", "gradient")):  # as gate_fits.PROFILES
        for name in ("factor", "r_squared"):
            found[f"{profile}_{name}"] = gates[name][:, -1, i]
    found |= {name: gates[name][:, -1] for name in ("schedule_horizon", "momentum_horizon")}
    found["gate_step_variation"] = gates["gate_step_variation"][:, -1, 0]
    if steps is not None:
        for network, i in (("other", 0), ("same", -1)):
            correlation = steps["step_rank_correlation"][i, :, -1]
            found[f"{network}_correlation"], found[f"{network}_correlation_late"] = (
                correlation[:, 0],
                correlation[:, -1],
            )
            found[f"{network}_variation"] = steps["adam_step_variation"][i, :, -1]
    return found


def table(measured):
    """One dict for each Row and task, and for all tasks together, from {cell: {task: values}}: means over tasks.

    A row is left out for networks that were not compared with its optimizer.
    """
    found = []
    for row in ROWS:
        tasks = {task: known for task, known in measured.get(row.cell, {}).items() if row.predicted in known}
        for task in [*tasks, *([ALL_TASKS] if len(tasks) > 1 else [])]:
            chosen = list(tasks.values()) if task == ALL_TASKS else [tasks[task]]
            entries = {"gate": row.gate, "task": task, "resembles": row.optimizer, "parameter": row.parameter}
            for column in NUMBERS:
                by_seed = np.mean([one[getattr(row, column)] for one in chosen], axis=0)
                entries |= intervals.columns(column, by_seed)
            words = {"quality_in_words": row.quality_in_words, "limit_in_words": row.limit_in_words}
            found.append(entries | words | {"seeds": len(by_seed)})
    return found


def latex(rows):
    """The rows over all tasks (or of the only one) as a LaTeX tabular that needs the package booktabs.

    Each row has one more key `data`, the training data of its networks.
    """
    last = {(row["data"], row["gate"], row["resembles"]): row for row in rows}.values()
    lines = [joined(HEAD), r"\midrule"]
    for row in last:
        parameter = f"{row['parameter']}: {intervals.said(row, 'value')}"
        quality, limit = (f"{row[f'{name}_in_words']}: {intervals.said(row, name)}" for name in ("quality", "limit"))
        predicted = intervals.said(row, "predicted")
        words = [data_label(row["data"]), row["gate"], row["resembles"], parameter, predicted, quality, limit]
        lines.append(joined(words))
    begin, end = [r"\begin{tabular}{lllllll}", r"\toprule"], [r"\bottomrule", r"\end{tabular}", ""]
    return "\n".join([*begin, *lines, *end])


def joined(cells):
    """One line of a tabular."""
    return " & ".join(escaped(cell) for cell in cells) + r" \\"


def escaped(text):
    """Text as LaTeX, with the symbols that occur here in mathematics."""
    symbols = {
        "R^2": "$R^2$",
        "alpha^h": r"$\alpha^h$",
        "beta of": r"$\beta$ of",
        "||G_h||": r"$\|G_h\|$",
        "prod (1 - g)": r"$\prod (1-g)$",
        " S": " $S$",
    }
    for plain, mathematics in symbols.items():
        text = text.replace(plain, mathematics)
    return text.replace("%", r"\%")
