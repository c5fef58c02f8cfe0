"""Diagonals of products of Jacobians between all times, against exact rational numbers."""

from fractions import Fraction

import numpy as np

from engine.common.backend import to_host
from engine.products.diagonals import log_diagonals


def exact_log_diagonal(factors):
    """log |diag| of the product of factors (h, H, H), the last one on the left, by fractions."""
    product = np.eye(factors.shape[-1], dtype=int).astype(object)
    for J in factors:
        product = np.frompyfunc(lambda x: Fraction(float(x)), 1, 1)(J) @ product
    return np.log(np.abs(np.diag(product).astype(float)))


def factors(T=7, scale=1.0):
    return scale * np.random.default_rng(0).normal(size=(T, 2, 3, 4, 4))


def test_every_pair_of_times(place_or_kernels):
    J = factors()
    found, t, k = log_diagonals(place_or_kernels(J))
    assert sorted(zip(k, t, strict=True)) == [(k, t) for k in range(1, 7) for t in range(k + 1, 8)]
    for pair, (last, first) in enumerate(zip(t, k, strict=True)):
        for m, b in np.ndindex(2, 3):
            # A sum of some hundred products may cancel a thousandfold.
            np.testing.assert_allclose(to_host(found)[pair, m, b], exact_log_diagonal(J[first:last, m, b]), atol=1e-11)


def test_far_below_the_smallest_float():
    small, usual = (log_diagonals(factors(scale=scale)) for scale in (1e-100, 1.0))
    np.testing.assert_allclose(
        small[0], usual[0] + (usual[1] - usual[2])[:, None, None, None] * np.log(1e-100), rtol=1e-10
    )


def test_entries_that_are_zero():
    J = factors()
    J[3] = np.triu(np.ones((4, 4)), 1)
    found, t, k = log_diagonals(J)
    assert np.isneginf(found[(k == 3) & (t == 4)]).all() and np.isfinite(found[(k == 4) | (t == 3)]).all()
