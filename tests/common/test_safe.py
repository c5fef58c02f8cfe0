"""Logs, ratios and norms at 0 and beyond the range of a square, on every kind of array, without a warning."""

import numpy as np

from engine.common import safe
from engine.common.backend import to_host


def test_log_and_ratio_where_there_is_nothing(place):
    with np.errstate(all="raise"):
        log = to_host(safe.log(place(np.array([1.0, 0, np.nan, np.inf, 1e-310]))))
        ratio = to_host(safe.ratio(place(np.array([1.0, 0, 2, -3])), place(np.array([4.0, 0, 0, 2]))))
    np.testing.assert_array_equal(log, [0, -np.inf, np.nan, np.inf, np.log(1e-310)])
    np.testing.assert_array_equal(ratio, [0.25, np.nan, np.nan, -1.5])


def test_log_norm_is_that_of_numpy_and_knows_tiny_rows(place):
    x = np.random.default_rng(0).normal(size=(3, 7))
    x = np.stack([x, 1e-300 * x, 0 * x])
    with np.errstate(all="raise", under="ignore"):
        found = to_host(safe.log_norm(place(x)))
    expected = np.log(np.linalg.norm(x[0], axis=-1))
    # logs near 690 lie 1e-13 apart
    np.testing.assert_allclose(found, [expected, expected + np.log(1e-300), [-np.inf] * 3], atol=2e-13)
