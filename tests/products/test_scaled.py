"""Scaled matrices against whole-number arithmetic, far outside the range of float64."""

from fractions import Fraction

import numpy as np

from engine.common.backend import to_host
from engine.products.scaled import log_frobenius_norm, plus, product, products, scaled, times


def exact(X):
    """The matrices as fractions, (..., H, H) of objects."""
    values, exponent = np.broadcast_arrays(to_host(X.values), to_host(X.exponent))
    pairs = zip(values.ravel(), exponent.ravel(), strict=True)
    flat = [Fraction(v) * Fraction(2) ** int(e) if v else Fraction(0) for v, e in pairs]
    return np.array(flat, dtype=object).reshape(values.shape)


def fractions(x):
    return np.array([Fraction(float(v)) for v in x.ravel()], dtype=object).reshape(x.shape)


def whole_numbers(*shape):
    return np.random.default_rng(1).integers(-7, 8, shape).astype(float)


def test_products_and_sums_are_exact_at_any_scale(place):
    M = whole_numbers(2, 3, 3)
    X = scaled(place(M))
    expected = fractions(M)
    for _ in range(9):  # entries stay below 21^10 < 2^53 times a power of two, so nothing may round
        X = times(place(M * 2.0**-300), X)
        expected = fractions(M) @ expected / Fraction(2) ** 300
    np.testing.assert_array_equal(exact(X), expected)
    np.testing.assert_array_equal(exact(plus(X, X)), 2 * expected)


def test_running_products_are_those_of_more_and_more_factors(place):
    J = whole_numbers(5, 2, 3, 3)
    expected, placed = fractions(J[0]), place(J)
    for i, X in enumerate(products(placed[i, ...] for i in range(5))):
        expected = fractions(J[i]) @ expected if i else expected
        np.testing.assert_array_equal(exact(X), expected)
    np.testing.assert_array_equal(exact(product(placed)), expected)


def test_a_sum_keeps_the_larger_where_the_smaller_is_out_of_reach(place):
    large = times(place(whole_numbers(1, 2, 2)), scaled(place(np.eye(2)[None] * 2.0**1000)))
    small, zero = scaled(place(np.full((1, 2, 2), 2.0**-1000))), scaled(place(np.zeros((1, 2, 2))))
    for other in (small, zero):
        np.testing.assert_array_equal(exact(plus(large, other)), exact(large))
    np.testing.assert_array_equal(exact(plus(small, zero)), exact(small))
    np.testing.assert_array_equal(exact(plus(zero, zero)), exact(zero))


def test_terms_of_unlike_scales_add_exactly(place):
    """Numbers below 2^3, 2^20 apart: the sum needs 24 bits."""
    M = whole_numbers(2, 1, 2, 2)
    large, small = scaled(place(M[0] * 2.0**20)), scaled(place(M[1]))
    expected = fractions(M[0]) * 2**20 + fractions(M[1])
    for terms in ((large, small), (small, large)):
        np.testing.assert_array_equal(exact(plus(*terms)), expected)


def test_entries_near_the_smallest_float_keep_their_scale(place):
    X = scaled(place(np.full((1, 2, 2), 2.0**-1070)))
    np.testing.assert_array_equal(exact(X), np.full((1, 2, 2), Fraction(2) ** -1070))


def test_norms_of_what_no_float_can_hold(place):
    X = scaled(place(np.array([[[3.0, 0], [0, 4]], [[0, 0], [0, 0]]])))
    for _ in range(3):
        X = times(place(np.eye(2) * 2.0**-1000), X)
    # a log near -2079 is rounded to 2e-13
    np.testing.assert_allclose(to_host(log_frobenius_norm(X)), [np.log(5) - 3000 * np.log(2), -np.inf], rtol=1e-15)
