"""Ticks of axes that span decades: round, few, and none of them a fraction of a power."""

import numpy as np
import pytest

from engine.figures.style import plt
from engine.figures.ticks import round_logs, round_numbers

RANGES = [
    (0, 0.61, ["1", "2", "3", "4"]),
    (0, 1.7, ["1", "2", "5", "10", "20", "50"]),
    (0, 2.7, ["1", "3", "10", "30", "100", "300"]),
    (0, 4, ["$10^{0}$", "$10^{1}$", "$10^{2}$", "$10^{3}$", "$10^{4}$"]),
    (-0.3, 0.02, ["0.6", "0.8", "1"]),
    (-8.5, 0.2, ["$10^{-8}$", "$10^{-6}$", "$10^{-4}$", "$10^{-2}$", "$10^{0}$"]),
    (3.2, 4.4, ["2000", "5000", "$10^{4}$", r"$2\cdot 10^{4}$"]),
]
TOO_SMALL = (-400.6, -400.2, [rf"${digit}\cdot 10^{{-401}}$" for digit in (3, 4, 5, 6)])


def drawn(low, high, scale):
    """The numbers at an axis between two logarithms, once as logarithmic axis and once as axis of logarithms."""
    figure, ax = plt.subplots()
    limits = np.array([low, high])
    ax.set(yscale=scale, ylim=10**limits if scale == "log" else limits)
    round_numbers(ax.yaxis)
    low, high = ax.get_ylim()
    places, labels = ax.get_yticks(), ax.yaxis.get_ticklabels()
    plt.close(figure)
    rounding = 1e-9 * (high - low)  # of a tick at the end of an axis
    return [text.get_text() for y, text in zip(places, labels, strict=True) if low - rounding <= y <= high + rounding]


@pytest.mark.parametrize("scale", ["log", "linear"])
@pytest.mark.parametrize(("low", "high", "expected"), RANGES)
def test_an_axis_has_few_round_numbers(low, high, expected, scale):
    assert drawn(low, high, scale) == expected


def test_logarithms_of_what_no_float_holds_have_ticks():
    *limits, expected = TOO_SMALL
    assert drawn(*limits, "linear") == expected


@pytest.mark.parametrize("low", [-30.3, -2.1, 0, 1.9])
@pytest.mark.parametrize("decades", [0.1, 0.5, 0.91, 1.3, 2.1, 2.9, 3.1, 12, 300])
def test_their_count_fits_a_small_panel(low, decades):
    logs = round_logs(low, low + decades)
    assert 2 <= ((low <= logs) & (logs <= low + decades)).sum() <= 7
