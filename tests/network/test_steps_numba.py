"""The compiled functions of which the steps of cells are made."""

import numpy as np

from engine.network.steps_numba import odds, slope, tanh


def test_odds():
    """Within 3e-7 and what rounding s costs; 2^-100 and 2^100 are the ends."""
    s = np.linspace(-69, 69, 10001).astype("float32")
    found = np.array([odds(x) for x in s])
    assert (np.abs(found / np.exp(s.astype("float64")) - 1) <= 3e-7 + 2.0**-23 * np.abs(s)).all()
    assert [odds(np.float32(x)) for x in (-np.inf, -1e30, 1e30, np.inf)] == [2.0**-100] * 2 + [2.0**100] * 2
    assert np.isnan(odds(np.float32(np.nan)))


def test_tanh():
    """Within 3e-7 of the true value and never above 1, so that no gate leaves [0, 1]."""
    a = np.concatenate([np.linspace(-12, 12, 10001), np.geomspace(1e-30, 1, 1001)]).astype("float32")
    found = np.array([tanh(x) for x in a])
    exact = np.tanh(a.astype("float64"))
    assert (np.abs(found - exact) <= 3e-7 * np.abs(exact)).all()
    assert np.abs(found).max() <= 1
    assert np.isnan(tanh(np.float32(np.nan)))
    assert tanh(np.float32(np.inf)) > 1 - 3e-7


def test_slope():
    """Within the 3e-7 of `odds`, some roundings, and what rounding 2 a costs; it ends at 4 times 2^-100."""
    a = np.linspace(-34, 34, 10001).astype("float32")
    found = np.array([slope(x) for x in a])
    assert (np.abs(found * np.cosh(a.astype("float64")) ** 2 - 1) <= 6e-7 + 2.0**-23 * np.abs(2 * a)).all()
    assert [slope(np.float32(x)) for x in (-np.inf, 1e30, 0)] == [2.0**-98, 2.0**-98, 1]
    assert np.isnan(slope(np.float32(np.nan)))
