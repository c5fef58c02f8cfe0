"""Claims: what the declaration selects, and verdicts on data whose verdict is known."""

from pathlib import Path

import numpy as np
import pytest
import yaml

from engine.verdicts import claims
from engine.verdicts.claim_cases import Measured, Results, cases, check, files
from engine.verdicts.decomposition import adjusted_shares
from engine.verdicts.intervals import Interval

SEEDS = tuple(range(1, 13))
TEST = {
    "statistic": "q",
    "source": "gates",
    "quantity": "q",
    "of": {"cell": "multi", "optimizer": "sgd"},
    "direction": "greater",
}


def results(read, tasks=("a", "b", "c"), cells=(), optimizers=()):
    return Results({"gates": tasks}, cells, optimizers, read)


def document(*tests):
    return {"claims": [{"id": "one", "sentence": "It is so.", "reading": "q is large", "tests": list(tests)}]}


def reader(means, spread=0.1):
    """A `read` whose q has the mean means[task] over seeds, and None for a task that `means` does not have."""

    def read(source, task, cell, optimizer):
        if task not in means:
            return None
        noise = np.random.default_rng(list(task.encode())).normal(size=12)
        return Measured({"q": (("seed",), means[task] + spread * (noise - noise.mean()))}, {"seed": SEEDS})

    return read


def verdict_of(means, **changes):
    _, (verdict,) = claims.evaluate(document(TEST | changes), results(reader(means)))
    return verdict


def test_a_claim_that_holds_everywhere_is_supported():
    verdict = verdict_of({"a": 1, "b": 2, "c": 3})
    assert verdict["verdict"] == "supported"
    assert (verdict["cases"], verdict["holds"], verdict["all_hold_in"]) == (3, 3, "a b c")


def test_a_claim_that_holds_in_some_tasks_is_mixed_and_says_in_which():
    verdict = verdict_of({"a": 1, "b": -1, "c": 0.0})
    assert verdict["verdict"] == "mixed"
    assert (verdict["all_hold_in"], verdict["none_holds_in"]) == ("a", "b c")
    assert (verdict["holds"], verdict["contradicted"], verdict["undecided"]) == (1, 1, 1)


def test_a_claim_that_holds_nowhere_is_not_supported():
    assert verdict_of({"a": -1, "b": -2, "c": 0.0})["verdict"] == "not supported"


def test_what_was_not_measured_is_said_and_enters_no_verdict():
    verdict = verdict_of({"a": 1})
    assert (verdict["verdict"], verdict["not_measured"]) == ("supported where measured", 2)
    assert (verdict["fewest_seeds"], verdict["seeds"]) == (12, 12)
    assert verdict_of({"a": -1})["verdict"] == "not supported"
    verdict = verdict_of({})
    assert (verdict["verdict"], verdict["fewest_seeds"], verdict["seeds"]) == ("not measured", 0, 0)


def of_values(x, **changes):
    """Rows of cases and the verdict where q is x (seed,) in the only task."""

    def read(source, task, cell, optimizer):
        return Measured({"q": (("seed",), x)}, {"seed": tuple(range(len(x)))})

    rows, (verdict,) = claims.evaluate(document(TEST | changes), results(read, ["a"]))
    return rows[0], verdict


@pytest.mark.parametrize(
    ("lost", "seeds", "expected"),
    [
        (0, 20, "supported"),
        (10, 20, "supported"),
        (11, 20, "not measured"),
        (17, 20, "not measured"),
        (0, 3, "supported"),
        (0, 2, "not measured"),
        (0, 1, "not measured"),
    ],
)
def test_a_verdict_rests_on_three_seeds_and_on_half_of_them_at_least(lost, seeds, expected):
    x = 1 + 0.01 * np.random.default_rng(0).normal(size=seeds)
    x[:lost] = np.nan
    row, verdict = of_values(x)
    assert verdict["verdict"] == expected
    assert (row["seeds"], row["lost"]) == (seeds - lost, lost)
    measured = expected != "not measured"
    assert (verdict["fewest_seeds"], verdict["seeds"]) == ((seeds - lost, seeds) if measured else (0, 0))


def test_what_is_not_resolved_counts_as_large_and_is_not_left_out():
    """The seeds that are resolved lie below 1, all others above whatever is asked."""
    x = np.linspace(0.1, 0.9, 20)
    assert of_values(x, direction="less", than=1)[0]["outcome"] == "holds"
    x[:8] = np.inf
    row, verdict = of_values(x, direction="less", than=1)
    assert (row["over_seeds"], row["seeds"], row["lost"], row["unresolved"]) == ("median", 20, 0, 8)
    assert row["value"] == np.median(x) and np.isinf(row["high"])
    assert (row["outcome"], verdict["verdict"]) == ("undecided", "not supported")
    assert of_values(x, than=0.3)[0]["outcome"] == "holds"
    assert np.isnan(row["effect_size"])
    lost = of_values(np.array([np.inf, np.nan, *x[8:]]), than=0.3)[0]
    assert (lost["seeds"], lost["lost"], lost["unresolved"]) == (13, 1, 1)


def test_what_a_run_lacks_names_the_command_that_measures_it():
    everywhere, partly = {"a": 1, "b": 1, "c": 1}, {"a": 1}
    assert verdict_of(everywhere, command="make factorial")["command"] == ""
    assert verdict_of(partly, command="make factorial")["command"] == "make factorial"
    assert verdict_of(partly)["command"] == "make paper"
    lacking = document(TEST | {"command": "make factorial"}, TEST)
    _, (verdict,) = claims.evaluate(lacking, results(reader(partly)))
    assert verdict["command"] == "make factorial, make paper"


def test_one_case_of_many_that_holds_by_chance_does_not_make_a_claim_mixed():
    """An interval that would just miss the threshold alone reaches over it when widened for 40 cases."""
    tasks = [f"task {i}" for i in range(40)]
    x = np.random.default_rng(0).normal(0, 1, (40, 12))
    x -= x.mean(axis=1, keepdims=True)
    x[7] += 2.3 * x[7].std(ddof=1) / np.sqrt(12)  # Student's t = 2.3 on 11 degrees of freedom: p = 0.04 of 40 cases

    def read(source, task, cell, optimizer):
        return Measured({"q": (("seed",), x[int(task.split()[1])])}, {"seed": SEEDS})

    _, (verdict,) = claims.evaluate(document(TEST), results(read, tasks))
    assert verdict["holds"] == 1
    assert verdict["verdict"] == "not supported"
    x[7] += 1  # and now beyond chance
    assert claims.evaluate(document(TEST), results(read, tasks))[1][0]["verdict"] == "mixed"


@pytest.mark.parametrize(
    ("direction", "margin", "low", "high", "expected"),
    [
        ("greater", 0, 1.01, 2, "holds"),
        ("greater", 0, 0.5, 1.5, "undecided"),
        ("greater", 0, 0.5, 0.9, "contradicted"),
        ("less", 0, 0.5, 0.9, "holds"),
        ("less", 0, 0.5, 1.5, "undecided"),
        ("less", 0, 1.01, 2, "contradicted"),
        ("different", 0, 1.01, 2, "holds"),
        ("different", 0, 0.1, 0.9, "holds"),
        ("different", 0, 0.9, 1.1, "undecided"),
        ("different", 0, 1, 1, "contradicted"),
        ("different", 0.2, 1.01, 2, "undecided"),
        ("different", 0.2, 0.9, 1.1, "contradicted"),
        ("within", 0.2, 0.9, 1.1, "holds"),
        ("within", 0.2, 0.7, 1.1, "undecided"),
        ("within", 0.2, 1.3, 1.4, "contradicted"),
        ("greater", 0, np.nan, np.nan, "not measured"),
    ],
)
def test_outcomes_by_direction(direction, margin, low, high, expected):
    found = claims.outcome({"direction": direction, "than": 1, "margin": margin}, Interval(1, low, high, 12))
    assert found == expected


def test_rows_of_cases_give_value_interval_effect_size_and_the_mean_over_tasks():
    means = {"a": 1, "b": 2, "c": 3}
    rows, _ = claims.evaluate(document(TEST | {"than": 0.5}), results(reader(means)))
    assert [row["task"] for row in rows] == ["a", "b", "c", "all tasks"]
    assert {row["measured_in"] for row in rows} == {"gates"}
    values = {task: reader(means)("gates", task, "multi", "sgd").arrays["q"][1] for task in means}
    for row in rows[:3]:
        x = values[row["task"]]
        assert row["value"] == pytest.approx(x.mean())
        assert row["effect_size"] == pytest.approx((x.mean() - 0.5) / x.std(ddof=1))
        assert row["low"] < row["value"] < row["high"]
        assert row["spread"] == pytest.approx(x.std(ddof=1))
        assert (row["direction"], row["threshold"], row["outcome"], row["seeds"]) == ("greater", 0.5, "holds", 12)
        assert np.isnan(row["margin"])
        assert (row["over_seeds"], row["lost"], row["unresolved"]) == ("mean", 0, 0)
    assert rows[3]["value"] == pytest.approx(np.mean([x.mean() for x in values.values()]))


def test_the_same_run_gives_the_same_table():
    means = {"a": 1, "b": -1, "c": 0.05}
    first, second = (claims.evaluate(document(TEST), results(reader(means))) for _ in range(2))
    assert first == second


def test_differences_are_taken_within_seeds():
    shift = np.random.default_rng(0).normal(0, 50, 12)

    def read(source, task, cell, optimizer):
        return Measured({"q": (("seed",), shift + (cell == "multi"))}, {"seed": SEEDS})

    rows, _ = claims.evaluate(document(TEST | {"against": {"cell": "plain"}}), results(read))
    # seeds that differ by 50 leave 1e-14 of rounding in a difference of 1
    assert rows[0]["low"] == pytest.approx(1, abs=1e-12)
    assert rows[0]["high"] == pytest.approx(1, abs=1e-12)


def test_files_of_different_seeds_are_not_compared():
    def read(source, task, cell, optimizer):
        return Measured({"q": (("seed",), np.ones(3))}, {"seed": (1, 2, 3) if cell == "multi" else (1, 2, 4)})

    with pytest.raises(ValueError, match="different seeds"):
        claims.evaluate(document(TEST | {"against": {"cell": "plain"}}), results(read))


def test_a_share_is_the_difference_of_the_adjusted_shares_of_the_factorial():
    rng = np.random.default_rng(1)
    y = {(c, o): rng.normal(size=12) + 2 * i for i, c in enumerate("xyz") for o in "pq"}

    def read(source, task, cell, optimizer):
        return Measured({"q": (("seed",), y[cell, optimizer])}, {"seed": SEEDS})

    share = {"larger": "gate", "smaller": "optimizer"}
    test = {key: value for key, value in TEST.items() if key != "of"} | {"share": share}
    rows, (verdict,) = claims.evaluate(document(test), results(read, ["a"], list("xyz"), list("pq")))
    parts = adjusted_shares(np.stack([y[c, o] for c in "xyz" for o in "pq"]).reshape(3, 2, 12))
    assert rows[0]["value"] == rows[0]["effect_size"] == pytest.approx(parts["gate"] - parts["optimizer"])
    assert verdict["verdict"] == "supported"


COORDS = {"seed": SEEDS, "checkpoint": [0, 400, 800], "lag": [1, 2, 4], "profile": ["x", "y"]}
ARRAY = np.random.default_rng(2).uniform(1, 2, (12, 3, 3, 2))


@pytest.mark.parametrize(
    ("at", "expected"),
    [
        ({"checkpoint": "last", "lag": 2, "profile": "y"}, ARRAY[:, 2, 1, 1]),
        ({"checkpoint": "first", "lag": "mean", "profile": "x"}, ARRAY[:, 0, :, 0].mean(axis=1)),
        ({"checkpoint": 400, "lag": "median", "profile": "x"}, np.median(ARRAY[:, 1, :, 0], axis=1)),
        ({"checkpoint": {"last": 2}, "lag": 4, "profile": "x"}, ARRAY[:, 1:, 2, 0].mean(axis=1)),
        ({"checkpoint": "last", "lag": 3, "profile": "x"}, None),  # a lag that this run does not have
    ],
)
def test_places_along_dimensions(at, expected):
    def read(*_):
        return Measured({"q": (("seed", "checkpoint", "lag", "profile"), ARRAY)}, COORDS)

    (case,) = cases(TEST | {"at": at}, results(read, ["a"]))
    if expected is None:
        assert case.by_seed is None
    else:
        np.testing.assert_allclose(case.by_seed, expected)


def test_a_dimension_that_is_left_or_unknown_and_an_unknown_quantity_are_named():
    def read(*_):
        return Measured({"q": (("seed", "lag"), np.ones((12, 3)))}, COORDS)

    for test, message in [
        (TEST, "which lag is meant"),
        (TEST | {"at": {"leg": 1}}, "has no dimension 'leg'"),
        (TEST | {"at": {"lag": 1}, "quantity": "p"}, "quantity of gates"),
    ]:
        with pytest.raises(ValueError, match=message):
            list(cases(test, results(read, ["a"])))


def test_each_makes_a_case_of_every_combination_and_transforms_come_first():
    seen = []

    def read(source, task, cell, optimizer):
        seen.append((cell, optimizer))
        return Measured({"q": (("seed", "lag"), 10.0 ** np.tile([1, 2, 3], (12, 1)))}, COORDS)

    each = {"cell": ["scalar", "multi"], "lag": [1, 4]}
    test = TEST | {"each": each, "against": {"optimizer": "adam", "at": {"lag": 2}}, "transform": "log10"}
    found = list(cases(test, results(read, ["a"])))
    assert [case.chosen for case in found] == [
        "cell scalar, lag 1", "cell scalar, lag 4", "cell multi, lag 1", "cell multi, lag 4"
    ]  # fmt: skip
    assert set(seen) == {("scalar", "sgd"), ("scalar", "adam"), ("multi", "sgd"), ("multi", "adam")}
    assert [case.by_seed[0] for case in found] == pytest.approx([-1, 1, -1, 1])


def test_files_are_all_that_the_cases_read():
    both = document(TEST | {"against": {"cell": "plain"}})
    both["decompositions"] = [{"statistic": "q", "source": "gates", "quantity": "q"}]
    check(both)
    assert files(both, results(None, ["a"], ["x", "y"], ["p"])) == [
        ("gates", "a", "multi", "sgd"),
        ("gates", "a", "plain", "sgd"),
        ("gates", "a", "x", "p"),
        ("gates", "a", "y", "p"),
    ]


@pytest.mark.parametrize(
    ("changes", "message"),
    [
        ({"direction": "bigger"}, "unknown claim one: direction 'bigger'"),
        ({"quantiy": "q"}, "did you mean 'quantity'"),
        ({"transform": "log20"}, "did you mean 'log10'"),
        ({"direction": "within"}, "needs a `margin`"),
        ({"share": {}}, "either `of` or `share`"),
    ],
)
def test_mistakes_in_a_declaration_are_explained(changes, message):
    with pytest.raises(ValueError, match=message):
        check(document(TEST | changes))


def test_the_papers_claims_are_whole_and_name_what_is_measured():
    from engine.measures import anisotropy, effective_lr, expansion, gates, step_sizes
    from engine.training import train, update_statistics

    quantities = {
        "gates": gates.QUANTITIES,
        "anisotropy": anisotropy.QUANTITIES,
        "effective_lr": effective_lr.QUANTITIES,
        "expansion": expansion.QUANTITIES,
        "steps": step_sizes.COMPARISON_QUANTITIES,
        "training": train.QUANTITIES | update_statistics.QUANTITIES,
    }
    path = Path(__file__).parents[2] / "config" / "claims.yaml"
    declared = yaml.safe_load(path.read_text(encoding="utf-8"))
    check(declared)
    identifiers = [claim["id"] for claim in declared["claims"]]
    assert len(set(identifiers)) == len(identifiers)
    tests = [test for claim in declared["claims"] for test in claim["tests"]]
    for test in [*tests, *declared["decompositions"]]:
        dims = quantities[test["source"]][test["quantity"]].dims.split()
        at = {*test.get("at", {}), *test.get("each", {})} - {"cell", "optimizer"}
        assert {*dims} == {"seed", *at}, test["statistic"]
