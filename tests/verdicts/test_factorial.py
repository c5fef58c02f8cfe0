"""The table of decompositions: every source and level of each quantity and task, with the decomposition's numbers."""

import numpy as np
import pytest

from engine.verdicts.claim_cases import Measured, Results
from engine.verdicts.decomposition import shares
from engine.verdicts.factorial import table

CELLS, OPTIMIZERS, SEEDS = ["x", "y", "z"], ["p", "q"], (1, 2, 3, 4)
ENTRY = {
    "statistic": "log10 of q",
    "source": "gates",
    "quantity": "q",
    "transform": "log10",
    "each": {"lag": [1, 2]},
}
Y = np.random.default_rng(0).normal(size=(3, 2, 4, 2))


def read(source, task, cell, optimizer):
    if task == "b" and cell == "y":
        return None
    values = 10 ** Y[CELLS.index(cell), OPTIMIZERS.index(optimizer)]
    return Measured({"q": (("seed", "lag"), values)}, {"seed": SEEDS, "lag": [1, 2]})


def test_rows_are_those_of_the_decomposition_for_each_choice_of_what_was_measured_whole():
    results = Results({"gates": ["a", "b"]}, CELLS, OPTIMIZERS, read)
    effects, means = table({"claims": [], "decompositions": [ENTRY]}, results)
    assert {row["task"] for row in effects} == {"a"}
    assert {row["measured_in"] for row in [*effects, *means]} == {"gates"}
    for i, lag in enumerate((1, 2)):
        found = {row["source"]: row["share"] for row in effects if row["chosen"] == f"lag {lag}"}
        expected = shares(Y[..., i])
        assert found.keys() == expected.keys()
        for name, value in expected.items():
            assert found[name] == pytest.approx(value, rel=1e-9)
        levels = {(row["factor"], row["level"]): row["mean"] for row in means if row["chosen"] == f"lag {lag}"}
        for c, cell in enumerate(CELLS):
            assert levels["gate", cell] == pytest.approx(Y[c, :, :, i].mean(), rel=1e-9)
        for o, optimizer in enumerate(OPTIMIZERS):
            assert levels["optimizer", optimizer] == pytest.approx(Y[:, o, :, i].mean(), rel=1e-9)


def test_mistakes_are_explained():
    with pytest.raises(ValueError, match="the key 'quantity' is missing"):
        table({"claims": [], "decompositions": [{"statistic": "q", "source": "gates"}]}, None)
    with pytest.raises(ValueError, match="did you mean 'transform'"):
        table({"claims": [], "decompositions": [ENTRY | {"trasform": "abs"}]}, None)
