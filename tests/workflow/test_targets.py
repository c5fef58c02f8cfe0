"""Names of files, and which of them a configuration asks for."""

from pathlib import Path

import pytest
import yaml
from test_config import merged, read

from workflow import targets

PAPER = yaml.safe_load(Path("config/config.yaml").read_text())
FACTORIAL = merged(PAPER, read("factorial.yaml"))


def test_parts_that_are_not_given_stay_wildcards():
    found = targets.path(PAPER, "training", experiment="anisotropy", model="multi-sgd")
    assert found == "results/paper/training/anisotropy/{task}/multi-sgd.nc"
    assert targets.path(PAPER, "expansion") == "results/paper/expansion/{cell}.nc"


def test_every_model_is_measured_on_every_task():
    tasks, models = PAPER["anisotropy"]["tasks"], PAPER["anisotropy"]["models"]
    for found in (targets.trainings(PAPER, "anisotropy"), targets.anisotropies(PAPER)):
        assert list(found) == [(task, model) for task in tasks for model in models]
        assert len(set(found.values())) == len(found)
    assert targets.trainings(PAPER, "effective_lr")["short", "leaky-sgd"].endswith("/effective_lr/short/leaky-sgd.nc")


def test_gates_measures_no_model_in_both_experiments():
    found = targets.gates(PAPER)
    assert {model for experiment, _, model in found if experiment == "effective_lr"} == {"leaky-sgd"}
    assert len(set(found.values())) == len(found)


def test_nothing_of_an_experiment_that_is_not_asked_for():
    alone = PAPER | {"experiments": ["expansion"]}
    assert {source for source, *_ in targets.evidence(alone)} == {"expansion"}
    assert len(targets.figures(alone)) == 2 * 2 and targets.tables(alone) == []
    assert not any(targets.families(alone).values())


def test_figures_of_the_paper_carry_its_number():
    assert targets.figure(PAPER, "anisotropy_narma10")[0] == "results/paper/figures/figure_10_anisotropy_narma10.pdf"
    names = {Path(file).stem for file in targets.figures(PAPER)}
    assert sum(name.startswith("figure_") for name in names) == len(targets.PAPER_FIGURES)


def test_many_models_have_a_page_of_time_scales_for_each_cell():
    assert {name.rpartition("_")[0] for name in targets.time_scale_pages(PAPER)} == {"time_scales"}
    pages = targets.time_scale_pages(FACTORIAL)
    assert {name.rpartition("_")[0] for name in pages} == {"time_scales_scalar", "time_scales_multi"}
    _, measured = pages["time_scales_multi_ar2"]
    assert measured["multi-adam"] == "results/factorial/gates/anisotropy/ar2/multi-adam.nc" and len(measured) == 5


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


def test_the_released_code_has_no_lstm():
    assert targets.released(PAPER, ["plain-adam", "lstm-adam", "multi-sgd"]) == ["plain-adam", "multi-sgd"]
