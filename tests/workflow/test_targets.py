"""Names of files, and which of them a configuration asks for."""

from itertools import product
from pathlib import Path

import pytest
from test_config import merged, read

from workflow import targets

PAPER = read("config.yaml")
FACTORIAL = merged(PAPER, read("factorial.yaml"))
TASKS, MODELS = PAPER["anisotropy"]["tasks"], PAPER["anisotropy"]["models"]
DATA = ["one_batch", "fresh"]


def test_parts_that_are_not_given_stay_wildcards():
    found = targets.path(PAPER, "training", experiment="anisotropy", data="fresh", model="multi-sgd")
    assert found == "results/paper/training/anisotropy/fresh/{task}/multi-sgd.nc"
    assert targets.path(PAPER, "expansion") == "results/paper/expansion/{cell}.nc"


def test_every_model_is_trained_and_measured_on_all_data_and_every_task():
    for found in (targets.of_models(PAPER, "training"), targets.of_models(PAPER, "anisotropy")):
        assert list(found) == list(product(DATA, TASKS, MODELS))
        assert len(set(found.values())) == len(found)
    rates = targets.effective_rates(PAPER)
    assert {data for data, _, _ in rates} == {"fresh"}
    assert rates["fresh", "short", "leaky"] == "results/paper/effective_lr/fresh/short/leaky.nc"


def test_data_that_are_left_out_are_fresh():
    config = PAPER | {"anisotropy": {key: value for key, value in PAPER["anisotropy"].items() if key != "data"}}
    assert targets.regimes(config, "anisotropy") == ["fresh"]


def test_gates_measures_no_model_twice_on_the_same_data():
    def of_effective_lr(config):
        return {model for experiment, _, _, model in targets.gates(config) if experiment == "effective_lr"}

    assert of_effective_lr(PAPER) == {"leaky-sgd"}
    assert of_effective_lr(merged(PAPER, {"anisotropy": {"data": ["one_batch"]}})) == {
        "leaky-sgd", "scalar-sgd", "multi-sgd"
    }  # fmt: skip


def test_nothing_of_an_experiment_that_is_not_asked_for():
    alone = PAPER | {"experiments": ["expansion"]}
    assert {source for source, *_ in targets.evidence(alone)} == {"expansion"}
    assert targets.figures(alone) == ["expansion/scalar", "expansion/multi"] and targets.tables(alone) == []
    assert not any(targets.families(alone).values())


def test_the_papers_figures_and_table_are_copied_under_their_numbers():
    found = targets.paper(PAPER)
    figures = [f"figure_{number:02d}.{ending}" for number in range(1, 11) for ending in ("pdf", "png")]
    assert list(found) == [f"results/paper/paper/{copy}" for copy in (*figures, "table_1.csv", "table_1.tex")]
    assert found["results/paper/paper/figure_10.pdf"] == "results/paper/figures/anisotropy/narma10.pdf"
    assert set(found.values()) <= {*targets.figure_files(PAPER, targets.figures(PAPER)), *targets.tables(PAPER)}


def test_the_report_says_what_a_figure_shows_and_of_what():
    found = targets.figure_labels("effective_lr", "{cell}, {task}", data="fresh", task="adding", cell="multi")
    assert found == {"shows": "Figure  5: effective rates by lag", "of": "multi, adding, fresh data"}
    assert (
        targets.figure_labels("anisotropy", "{task}", task="sinmix")["shows"] == "anisotropy of propagation and updates"
    )


def test_only_what_the_run_has_in_common_with_the_paper_is_copied():
    other = merged(PAPER, {"experiments": ["effective_lr"], "effective_lr": {"data": ["one_batch"]}})
    assert targets.paper(other) == {}
    alone = merged(PAPER, {"experiments": ["expansion"], "expansion": {"cells": ["multi", "gru"]}})
    copies = {"figure_02.pdf": "expansion/multi.pdf", "figure_02.png": "expansion/multi.png"}
    expected = {f"results/paper/paper/{copy}": f"results/paper/figures/{file}" for copy, file in copies.items()}
    assert targets.paper(alone) == expected


def test_many_models_have_a_page_of_time_scales_for_each_cell():
    def pages(config):
        return {name for name in targets.time_scale_pages(config) if name.startswith("time_scales/fresh/ar2")}

    assert pages(PAPER) == {"time_scales/fresh/ar2"}
    assert pages(FACTORIAL) == {"time_scales/fresh/ar2/scalar", "time_scales/fresh/ar2/multi"}
    _, _, measured = targets.time_scale_pages(FACTORIAL)["time_scales/fresh/ar2/multi"]
    assert measured["multi-adam"] == "results/factorial/gates/anisotropy/fresh/ar2/multi-adam.nc" and len(measured) == 5


@pytest.mark.parametrize(
    ("models", "told_apart"),
    [
        (["plain-sgd", "plain-adam", "multi-sgd", "multi-adam"], True),
        (["plain-sgd", "plain-adam", "multi-sgd"], False),
        (["plain-sgd", "multi-sgd"], False),
    ],
)
def test_gate_and_optimizer_are_told_apart_by_all_pairs_of_them(models, told_apart):
    config = merged(PAPER, {"anisotropy": {"models": models}})
    assert targets.is_factorial(config) == told_apart
    assert ("decomposition" in targets.table_pages(config)) == told_apart


def test_the_released_code_is_compared_on_its_own_data_and_with_fresh_ones():
    more = merged(PAPER, {"anisotropy": {"data": ["n256", "one_batch", "fresh"]}, "data": {"n256": {"sequences": 256}}})
    assert targets.released_data(more) == "n256"
    found = targets.departures(more, "differences_training", ["adding"])
    assert found["n256", "adding", "plain-adam"] == "results/paper/differences/training/n256/adding/plain-adam.nc"
    assert list(found) == [("n256", "adding", model) for model in ("plain-adam", "scalar-sgd", "multi-sgd")]
    compared = targets.compared_trainings(more, "training")
    assert list(compared) == list(product(["n256", "fresh"], TASKS, PAPER["differences"]["models"]))
    alone = PAPER | {"experiments": ["differences"]}  # of which rules are read and none is run
    assert not targets.departures(alone, "differences", ["adding"])
    assert not targets.compared_trainings(alone, "training")


def test_the_released_code_has_no_lstm():
    assert targets.released(PAPER, ["plain-adam", "lstm-adam", "multi-sgd"]) == ["plain-adam", "multi-sgd"]


def test_a_verdict_for_each_kind_of_data():
    """What is not trained on it enters with what it is trained on."""
    found = targets.verdicts(PAPER)
    assert list(found) == DATA
    assert found["one_batch"]["gates"] == found["one_batch"]["training"] == "one_batch"
    assert {verdict["effective_lr"] for verdict in found.values()} == {"fresh"}
    assert set(found["fresh"].values()) == {"fresh"}
    alone = merged(PAPER, {"anisotropy": {"data": ["fresh"]}})
    assert list(targets.verdicts(alone)) == ["fresh"]
    evidence = targets.evidence(PAPER)
    for data_of in found.values():
        assert all((source, data, "adding") in {of[:3] for of in evidence} for source, data in data_of.items())


def test_results_of_an_earlier_version_are_found(tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    for kind in targets.FILES:
        new = Path(targets.path(PAPER, kind).replace("{", "").replace("}", ""))
        new.parent.mkdir(parents=True, exist_ok=True)
        new.touch()
    assert targets.made_before(PAPER) == []
    for old in ("training/anisotropy/adding/multi-sgd.nc", "steps/adding/multi-sgd.nc", "effective_lr/ar2/multi.nc"):
        path = Path("results/paper", old)
        path.parent.mkdir(parents=True, exist_ok=True)
        path.touch()
    found = [str(path) for path in targets.made_before(PAPER)]
    assert found == [f"results/paper/{of}" for of in ("effective_lr/ar2", "steps/adding", "training/anisotropy/adding")]


def test_a_target_misspelled_is_said_with_the_nearest_file():
    said = targets.no_such_target(PAPER, "results/paper/effective_lr/fresh/adding/mutli.nc")
    assert "did you mean 'results/paper/effective_lr/fresh/adding/multi.nc'?" in said
    assert "cell: plain, leaky" in said and "network:" not in said
