"""Growth rates of products of Jacobians where they are known: by theory, by eigenvalues, by determinants."""

from itertools import repeat

import mpmath
import numpy as np
import pytest
from scipy.special import digamma

from engine.common.backend import to_host
from engine.products.growth_rates import growth_rates, random_directions
from engine.products.growth_rates_numba import eliminate


def gaussians(H, members=8, seed=0, place=np.asarray):
    rng = np.random.default_rng(seed)
    while True:
        yield place(rng.normal(size=(members, H, H)) / np.sqrt(H))


def rates_of(jacobians, H, k=None, *, transient=0, block=20, blocks=10):
    directions = random_directions(H, k or H)
    return growth_rates(iter(jacobians), directions, transient=transient, block=block, blocks=blocks)


def test_products_of_gaussian_matrices():
    """E lambda_i = (log 2 + digamma((H - i + 1) / 2) - log H) / 2: of every step, whatever came before it."""
    H, i = 16, np.arange(1, 17)
    rates = rates_of(gaussians(H), H).reshape(-1, H)
    expected = (np.log(2) + digamma((H - i + 1) / 2) - np.log(H)) / 2
    z = (rates.mean(axis=0) - expected) / (rates.std(axis=0, ddof=1) / np.sqrt(len(rates)))
    # 16 independent standard normal numbers: the largest passes 4, or their mean square 2.2, once in a thousand.
    assert np.abs(z).max() < 4 and (z**2).mean() < 2.2


def test_a_constant_matrix_has_the_logs_of_its_eigenvalues():
    """Also those that fall by a factor 1e-4 a step, of which a long product would hold nothing."""
    log_eigenvalues = np.array([0.3, -0.5, -2.0, -6.0, -9.0])
    V = np.linalg.qr(np.random.default_rng(1).normal(size=(5, 5)))[0]
    rates = rates_of(repeat(V * np.exp(log_eigenvalues) @ V.T), 5, transient=60)
    # Settled to e^(-60 * 0.8); a factor has the rounding of e^(0.3 + 9) = 1e4 times the smallest one.
    np.testing.assert_allclose(rates, np.broadcast_to(log_eigenvalues, rates.shape), rtol=0, atol=1e-11)


@pytest.mark.parametrize("scale", [1e-20, 1.0, 1e20])
def test_all_together_grow_as_the_determinant(scale):
    factors = [scale * J for J, _ in zip(gaussians(6), range(60), strict=False)]
    rates = rates_of(factors, 6, block=7, blocks=8)
    log_det = np.linalg.slogdet(np.stack(factors[:56]))[1].reshape(8, 7, -1).mean(axis=1)
    np.testing.assert_allclose(rates.sum(axis=-1), log_det, rtol=1e-9)  # 6 growth rates, each to 1e-10 of rounding


def test_the_leading_directions_alone_grow_as_among_all():
    few, whole = (rates_of(gaussians(6), 6, k) for k in (2, 6))
    np.testing.assert_allclose(few, whole[..., :2], rtol=0, atol=1e-9)  # orthogonalized after different steps


def leaning(H, strength, members=2, seed=3):
    """1 + `strength` G: the stronger, the sooner have directions grown or shrunk by much."""
    return (np.eye(H) + strength * G for G in gaussians(H, members, seed))


@pytest.mark.parametrize("strength", [0.1, 0.5, 3.0])
def test_they_are_those_of_a_qr_factorization_at_every_step(strength):
    factors = [J for J, _ in zip(leaning(20, strength), range(60), strict=False)]
    Q, expected = random_directions(20, 20), 0.0
    for J in factors:
        Q, R = np.linalg.qr(J @ Q)
        expected = expected + np.log(np.abs(np.diagonal(R, axis1=-2, axis2=-1))) / 60
    # Both round, by 1e-16 times the spread of R over a step: with the strongest the smallest |R_ii| are near 1e-4.
    np.testing.assert_allclose(rates_of(factors, 20, block=60, blocks=1)[0], expected, rtol=0, atol=1e-10)


def test_rows_of_any_size_keep_their_digits():
    """As where units are saturated. A QR factorization at every step in double precision is off by 3e-7 here."""
    rng = np.random.default_rng(6)
    factors = [10.0 ** rng.uniform(-12, 0, (6, 1)) * rng.normal(size=(6, 6)) for _ in range(8)]
    with mpmath.workdps(150):
        Phi = mpmath.matrix(random_directions(6, 6).tolist())
        for J in factors:
            Phi = mpmath.matrix(J.tolist()) * Phi
        R = mpmath.qr(Phi)[1]
        expected = [float(mpmath.log(abs(R[i, i])) / 8) for i in range(6)]
    found = rates_of(factors, 6, block=8, blocks=1)[0]
    np.testing.assert_allclose(found, expected, rtol=0, atol=1e-13)  # some roundings of logs near 20


def test_members_are_the_same_alone_bit_for_bit():
    factors = [J * np.array([0.1, 1.0, 30.0])[:, None, None] for J, _ in zip(gaussians(6, 3), range(40), strict=False)]
    together = rates_of(factors, 6, blocks=2)
    alone = np.stack([rates_of([J[m] for J in factors], 6, blocks=2) for m in range(3)], axis=1)
    np.testing.assert_array_equal(together, alone)


def test_an_elimination_that_is_not_stable_is_seen():
    """Wilkinson's matrix: each row holds the sum of those before it, so that L^-1 has entries up to 2^58."""
    J = np.eye(60) - np.tril(np.ones((60, 60)), -1)
    V, growth, lost, Z = J.T.copy(), np.zeros(60), np.zeros(60), np.empty((60, 60))
    eliminate(V, 1, growth, lost, Z)
    np.testing.assert_array_equal(Z, J.T)  # here no digit is lost, but each of L Z could hold 2^58 roundings
    assert lost.max() > 1


def test_what_drowns_in_rounding_is_not_a_number():
    """Rank 1: there is one growth rate, and the others are made up by rounding."""
    rng = np.random.default_rng(2)
    J = rng.normal(size=(4, 1)) * rng.normal(size=4)
    rates = rates_of(repeat(J), 4, transient=3)
    np.testing.assert_allclose(rates[:, 0], np.log(np.abs(np.trace(J))), rtol=1e-12)
    assert np.isnan(rates[:, 1:]).all()


def test_a_product_that_is_zero_shrinks_at_once():
    J = np.random.default_rng(3).normal(size=(2, 4, 4))
    J[0] = 0
    rates = rates_of(repeat(J), 4)
    assert np.isneginf(rates[:, 0]).all() and np.isfinite(rates[:, 1, :2]).all()


def test_arrays_of_every_library_agree(place_or_kernels):
    place = place_or_kernels
    found = growth_rates(gaussians(6, place=place), place(random_directions(6, 6)), transient=5, block=9, blocks=3)
    np.testing.assert_allclose(to_host(found), rates_of(gaussians(6), 6, transient=5, block=9, blocks=3), atol=1e-9)
