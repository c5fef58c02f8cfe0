"""Table 1 from measured arrays: means, intervals, and a LaTeX table that is whole."""

import numpy as np
import pytest

from engine.verdicts import table1

SEEDS = 6


def measured(seed):
    """Arrays as of engine.measures.gates, two checkpoints, and a comparison with two references."""
    rng = np.random.default_rng(seed)
    gates = {
        "factor": rng.uniform(0.3, 0.9, (SEEDS, 2, 4)),
        "r_squared": rng.uniform(0.9, 1, (SEEDS, 2, 4)),
        "schedule_horizon": rng.uniform(1, 9, (SEEDS, 2)),
        "momentum_horizon": rng.uniform(1, 9, (SEEDS, 2)),
        "gate_step_variation": rng.uniform(0, 1, (SEEDS, 2, 3)),
    }
    steps = {
        "step_rank_correlation": rng.uniform(-1, 1, (2, SEEDS, 2, 3)),
        "adam_step_variation": rng.uniform(0, 1, (2, SEEDS, 2)),
    }
    return gates, steps


def test_rows_are_the_last_checkpoints_means_by_task_and_over_tasks():
    one, two = measured(0), measured(1)
    tasks = {"a": table1.values(*one), "b": table1.values(*two)}
    rows = table1.table(dict.fromkeys(("leaky", "scalar", "multi"), tasks))
    rules = ("learning-rate", "momentum", "Adam, training another", "Adam, on the gradients of the same")
    gates = ("constant", "scalar", "multi", "multi")
    assert [(row["gate"], row["task"]) for row in rows] == [(g, t) for g in gates for t in ("a", "b", "all tasks")]
    assert all(row["resembles"].startswith(rules[i // 3]) for i, row in enumerate(rows))
    by = {(rules[i // 3], row["task"]): row for i, row in enumerate(rows)}
    gates, steps = ({name: np.moveaxis(x, -1, 0) for name, x in part.items()} for part in one)
    last = {name: x[..., -1] for name, x in gates.items()}  # by profile, or by probed lag, then seed
    correlation, variation = steps["step_rank_correlation"][..., -1], one[1]["adam_step_variation"][..., -1]
    expected = {
        rules[0]: (last["factor"][0], last["factor"][1], last["r_squared"][0], one[0]["schedule_horizon"][:, -1]),
        rules[1]: (last["factor"][3], last["factor"][2], last["r_squared"][3], one[0]["momentum_horizon"][:, -1]),
        rules[2]: (last["gate_step_variation"][0], variation[0], correlation[0, 0], correlation[2, 0]),
        rules[3]: (last["gate_step_variation"][0], variation[1], correlation[0, 1], correlation[2, 1]),
    }
    for rule, columns in expected.items():
        for name, values in zip(("value", "predicted", "quality", "limit"), columns, strict=True):
            row = by[rule, "a"]
            assert row[name] == pytest.approx(values.mean())
            assert row[f"{name}_low"] < row[name] < row[f"{name}_high"]
    both = np.mean([measured(i)[0]["factor"][:, 1, 0].mean() for i in (0, 1)])
    assert by[rules[0], "all tasks"]["value"] == pytest.approx(both)


def test_a_gate_that_was_not_measured_has_no_row():
    rows = table1.table({"leaky": {"a": table1.values(measured(0)[0])}})
    assert [(row["gate"], row["task"]) for row in rows] == [("constant", "a")]


def test_a_gate_that_was_not_compared_with_adam_has_no_row():
    gates, steps = measured(0)
    rows = table1.table({"multi": {"a": table1.values(gates), "b": table1.values(gates, steps)}})
    assert [(row["gate"], row["task"]) for row in rows] == 2 * [("multi", "b")]


def test_latex_has_one_line_for_each_gate_and_data_and_balanced_columns():
    tasks = {"a": table1.values(*measured(0)), "b": table1.values(*measured(1))}
    gates = table1.table(dict.fromkeys(("leaky", "scalar", "multi"), tasks))
    text = table1.latex([{"data": data} | row for data in ("one_batch", "fresh") for row in gates])
    lines = text.splitlines()
    assert lines[0] == r"\begin{tabular}{lllllll}"
    assert lines[-1] == r"\end{tabular}"
    body = [line for line in lines if line.endswith(r"\\")]
    assert len(body) == 9  # the head, and on each kind of data three gates, the last one compared twice
    assert [line.split(" & ")[0] for line in body] == ["Data", *["one batch"] * 4, *["fresh data"] * 4]
    assert all(line.count(" & ") == 6 for line in body)
    assert text.count("$") % 2 == 0
    assert r"$\alpha^h$" in text
    assert r"$\|G_h\|$" in text
    assert "||" not in text
    row = table1.table({"leaky": tasks})[-1]
    assert f"{row['value']:.3g} [{row['value_low']:.3g}, {row['value_high']:.3g}]" in body[1]
