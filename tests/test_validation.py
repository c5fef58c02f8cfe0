"""docs/validation.md: its cases agree at small sizes, and the page has what was measured."""

import json
from functools import partial

import numpy as np
import pytest

from tools import validation


@pytest.mark.parametrize(
    "case", [partial(validation.gaussian, 12, 4, 800), partial(validation.gated, 6), validation.leaky]
)
def test_small_cases_agree(case):
    found = list(case())
    assert found and all(row["agrees"] == "yes" for row in found)


def test_a_row_says_where_it_does_not_agree():
    assert validation.row("x", "y", 1.0, 1.0 + 1e-12, 0)["agrees"] == "yes"
    assert validation.row("x", "y", 1.0, 1.2, 0.1)["agrees"] == "yes"
    assert validation.row("x", "y", 1.0, 1.5, 0.1)["agrees"] == "no, by 0.5"


def test_the_line_through_measurements_with_errors():
    """As numpy's weighted least squares; the standard error as between many repetitions."""
    x, error = np.array([0.1, 0.4, 0.5, 1.0]), np.array([0.1, 0.2, 0.3, 0.1])
    y = 2 + 3 * x + error * np.random.default_rng(0).normal(size=(2000, 4))
    found = np.array([validation.along_line(x, one, error, 0.0) for one in y])
    assert found[0, 0] == pytest.approx(np.polyfit(x, y[0], 1, w=1 / error)[1])
    assert found[0, 1] == pytest.approx(found[:, 0].std(), rel=0.05)  # three times 1 / sqrt(2 * 2000)


def test_the_page_has_what_was_measured_and_nothing_else():
    known = json.loads(validation.MEASURED.read_text(encoding="utf-8"))
    assert validation.PAGE.read_text(encoding="utf-8") == validation.page(known)
    assert known and set(known) <= set(validation.CASES)
