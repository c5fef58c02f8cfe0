"""Singular values of products against high precision, down to ratios that double precision cannot hold as such."""

from functools import cache

import mpmath
import numpy as np
import pytest
from conftest import make_example, small_cell

from engine.common.backend import to_host
from engine.network.unroll import forward, jacobians
from engine.products.singular_values import (
    GROUPS,
    RELATIVE_ERROR,
    Formed,
    agreed_log_values,
    falling_columns,
    formed,
    formed_of_terms,
    formed_to_the_end,
    frobenius,
    graded_factor,
    log_singular_values,
    log_values,
)


def jacobian_chain(name, lag, units=12):
    """The Jacobians of the last `lag` of 40 steps of a cell, (lag, 1, H, H)."""
    cell = small_cell(name, units=units)
    (W, _), _, _ = make_example(cell, seeds=(1,))
    u = np.random.default_rng(1).uniform(size=(40, 1, cell.inputs, 1))
    return sum(jacobians(cell, W, forward(cell, W, u).z))[-lag:, 0]


def random_chain(T=20, H=8, seed=0):
    return np.random.default_rng(seed).normal(size=(T, 2, H, H)) / np.sqrt(H)


def high_precision_log_values(factors):
    """All log singular values of a product, from exact integers to 2^-100 of each factor, by mpmath with 120 digits."""
    bits, kept = 100, 700
    whole = np.eye(len(factors[0])).astype(int).astype(object) << kept
    for factor in factors:
        exact = np.array([[int(mpmath.ldexp(x, bits)) for x in row] for row in factor.tolist()], dtype=object)
        whole = (exact @ whole) >> bits
    with mpmath.workdps(120):
        product = mpmath.matrix(whole.tolist()) / mpmath.mpf(2) ** kept
        return np.array([float(mpmath.log(s)) for s in mpmath.svd_r(product, compute_uv=False)])


@pytest.mark.parametrize("name", ["plain", "leaky", "scalar", "multi"])
@pytest.mark.parametrize("lag", [1, 4, 40])
def test_all_values_hold_whatever_their_ratio(name, lag):
    """Required is 1e-6 down to s_r/s_1 = 1e-14; at lag 40 the ratios go to 1e-50, the error stays below 1e-9."""
    J = jacobian_chain(name, lag)
    found = log_singular_values(J)
    np.testing.assert_allclose(found[0], high_precision_log_values(list(J[:, 0])), rtol=0, atol=1e-9)


def test_the_paper_s_size_at_lag_40():
    """H = 64, r = 10 (the first ten, as the paper asks), with s_10/s_1 below what a formed product holds."""
    rng = np.random.default_rng(0)
    spread = np.geomspace(1, 0.02, 64)  # each factor spreads its singular values fifty-fold
    J = np.linalg.qr(rng.normal(size=(40, 1, 64, 64)))[0] * spread[:, None]
    J[:, :, :, 5:] *= 0.3
    found = log_singular_values(J, 10)[0, :10]
    expected = high_precision_log_values(list(J[:, 0]))[:10]
    assert expected[9] - expected[0] < np.log(1e-9)
    np.testing.assert_allclose(found, expected, rtol=0, atol=1e-9)


def test_only_what_is_asked_for_is_made_sure():
    """Without Jacobi rotations, values in the rounding of the formed product are missing, and the others hold."""
    J = jacobian_chain("plain", 30)
    found, expected = log_singular_values(J, 1)[0], high_precision_log_values(list(J[:, 0]))
    lost = np.isnan(found)
    assert lost.any() and lost[expected < expected[0] + np.log(1e-10)].all() and not lost[:3].any()
    np.testing.assert_allclose(found[~lost], expected[~lost], rtol=0, atol=RELATIVE_ERROR)


def test_what_one_end_of_a_chain_does_not_resolve_the_other_may():
    """A saturated network: either end alone leaves some of eight chains without s_10."""
    cell = small_cell("plain", units=12)
    (W, _), _, _ = make_example(cell, seeds=(7,), gain=4.0)
    u = np.random.default_rng(1).uniform(size=(40, 1, cell.inputs, 8))
    J = sum(jacobians(cell, W, forward(cell, W, u).z))[:, 0]
    ends = [J, np.swapaxes(J[::-1], -1, -2)]
    alone = [agreed_log_values(x, falling_columns(formed(x).values), GROUPS[-1])[:, 9] for x in ends]
    found = log_singular_values(J, 10)[:, :10]
    given = np.flatnonzero(np.isfinite(found[:, 9]))
    assert all(np.isnan(s[given]).any() for s in alone)
    for chain in given:
        np.testing.assert_allclose(found[chain], high_precision_log_values(list(J[:, chain]))[:10], rtol=0, atol=1e-9)


def test_arrays_of_every_library_agree(place_or_kernels):
    """On a product that is resolved as it is formed, and on one that is not."""
    J = jacobian_chain("plain", 30, units=6)
    for part in (J[:4], J):
        found = to_host(log_singular_values(place_or_kernels(part)))
        np.testing.assert_allclose(found, log_singular_values(part), rtol=0, atol=1e-9)


def test_scales_far_beyond_a_float():
    J = random_chain(T=30)
    for scale in (1e-200, 1e200):
        expected = log_singular_values(J) + 30 * np.log(scale)
        np.testing.assert_allclose(log_singular_values(scale * J), expected, rtol=1e-12)


def test_a_product_that_is_zero_has_log_minus_infinity():
    J = random_chain(T=8)
    J[3, 0] = 0
    found = log_singular_values(J)
    assert np.isneginf(found[0]).all() and np.isfinite(found[1]).all()


def test_rank_one_leaves_the_rest_unresolved_or_zero():
    J = (random_chain()[..., :1] * random_chain(seed=1)[..., :1, :])[:5]
    found = log_singular_values(J)
    assert np.isfinite(found[:, 0]).all()
    rest = found[:, 1:] - found[:, :1]
    assert (np.isnan(rest) | (rest < np.log(1e-14))).all()


def test_the_triangular_factor_is_the_product_up_to_a_rotation():
    J = random_chain(T=10)
    start = np.linalg.qr(np.random.default_rng(2).normal(size=(2, 8, 8)))[0]
    T, _ = graded_factor(J, start, 4)
    whole = start
    for factor in J:
        whole = factor @ whole
    gram = 4.0**T.exponent * (T.values.mT @ T.values)
    np.testing.assert_allclose(gram, whole.mT @ whole, rtol=1e-11, atol=1e-13)
    assert not np.tril(T.values, -1).any()


def exact_product(J):
    """J_h ... J_1 of factors (h, H, H) as a matrix of mpmath numbers."""
    product = mpmath.eye(J.shape[-1])
    for factor in J:
        product = mpmath.matrix(factor.tolist()) * product
    return product


@pytest.mark.parametrize("steps", [1, 2, 3, 7, 20])
def test_the_bound_on_rounding_holds_and_is_not_idle(steps):
    J = random_chain(T=20)[:steps, 0]
    product = formed(J)
    with mpmath.workdps(60):
        difference = exact_product(J) * mpmath.mpf(2) ** -int(product.exponent[0, 0]) - mpmath.matrix(product.values)
        off = float(mpmath.norm(difference, 2))
    assert off <= product.error <= 1e-12 * frobenius(product.values)


@pytest.mark.parametrize("lags", [[1, 2, 4, 8, 12, 20], [5, 1, 3], [7]])
def test_products_to_the_end_and_their_bound(lags, place):
    J = random_chain(T=20)[:, :1]
    for lag, found in formed_to_the_end(place(J), lags).items():
        product = Formed(*(to_host(part)[0] for part in found))
        with mpmath.workdps(60):
            exact = exact_product(J[-lag:, 0]) * mpmath.mpf(2) ** -int(product.exponent[0, 0])
            off = float(mpmath.norm(exact - mpmath.matrix(product.values), 2))
        assert off <= product.error <= 1e-12 * frobenius(product.values)


@pytest.mark.parametrize("power", [-300, 300])
def test_products_of_terms_have_a_scale(power):
    rng = np.random.default_rng(3)
    terms = [rng.uniform(0.5, 1, shape) for shape in ((1, 2, 7, 4), (1, 2, 7, 2, 4), (1, 2, 4, 4))]
    found, expected = (
        formed_of_terms(size * terms[0], size * terms[1], terms[2], [2, 7])[7] for size in (2.0**power, 1.0)
    )
    back = 2.0 ** (found.exponent - 7 * power)
    np.testing.assert_array_equal(back * found.values, expected.values)  # powers of two do not round
    for here, there in ((found.norm, expected.norm), (found.error, expected.error)):
        np.testing.assert_array_equal(back[..., 0, 0] * here, there)


def test_products_of_terms_that_are_zero():
    found = formed_of_terms(np.zeros((1, 1, 3, 4)), np.zeros((1, 1, 3, 1, 4)), np.ones((1, 1, 4, 4)), [3])[3]
    assert np.isneginf(log_values(found, None, None)).all()


def gated_chain(name, gain, gates, seed):
    """40 Jacobians (h, H, H) of a cell with weights times `gain`, those of its gates times `gates` once more."""
    cell = small_cell(name, units=12)
    (W, _), u, _ = make_example(cell, seeds=(seed,), T=60, batch=1, gain=gain)
    for block, (rows, columns) in cell.blocks.items():
        if block not in ("W_r", "W_i"):
            W[..., rows, columns] *= gates
    return sum(jacobians(cell, W, forward(cell, W, u).z))[-40:, 0, 0]


def product_of_rank(rank):
    """40 times one matrix of this rank but for rounding, the worst that QR of a few factors can meet."""
    rng = np.random.default_rng(0)
    return np.repeat((rng.normal(size=(1, 12, rank)) @ rng.normal(size=(1, rank, 12))) / 12, 40, axis=0)


REGIMES = {
    "small weights": ("multi", 1e-3, 1, 1),
    "gain 5": ("plain", 5, 1, 2),
    "gates at some 12": ("multi", 1.5, 12, 2),
    "gates at some 50": ("multi", 1.5, 60, 1),
    "GRU with gates at some 50": ("gru", 1.5, 60, 1),
    "LSTM with gates at some 12": ("lstm", 1.5, 12, 2),
    "LSTM with gates at some 50": ("lstm", 1.5, 60, 2),
}


@cache
def regime_chain(regime):
    """The factors (h, H, H) of a regime, and the exact log singular values of their product."""
    J = product_of_rank(int(regime[-1])) if regime.startswith("rank") else gated_chain(*REGIMES[regime])
    with mpmath.workdps(800):
        exact = np.array([float(mpmath.log(s)) for s in mpmath.svd_r(exact_product(J), compute_uv=False)])
    return J, exact


@pytest.mark.parametrize("regime", [*REGIMES, "rank 5", "rank 1"])
def test_what_is_given_holds_and_what_is_needed_is_given(regime, place_or_kernels):
    """Wherever s_r/s_1 is above 1e-14 the value is there; every value that is there holds to 1e-6; the rest is NaN.

    Ratios go down to 1e-660 (rank 5), where numbers that rounding had made up, 1e-142, were once printed.
    """
    J, exact = regime_chain(regime)
    found = to_host(log_singular_values(place_or_kernels(J[:, None]), 10))[0]
    given = ~np.isnan(found)
    np.testing.assert_allclose(found[given], exact[given], rtol=0, atol=RELATIVE_ERROR)
    assert given[:10][exact[:10] > exact[0] + np.log(1e-14)].all()


def test_a_row_of_zeros_is_no_reason_to_trust_the_others():
    """A unit without weights: LAPACK gives -1 for the condition of a matrix with a row of zeros."""
    J = random_chain(T=30, H=6)[:, 0]
    J[:, 2], J[:, :, 2] = 0, 0
    found = log_singular_values(J[:, None])[0]
    with mpmath.workdps(200):
        exact = [float(mpmath.log(s)) for s in mpmath.svd_r(exact_product(J), compute_uv=False)[:5]]
    np.testing.assert_allclose(found[:5], exact, rtol=0, atol=1e-9)
    assert np.isnan(found[5])
