"""Spectral norms of all products against high precision, hard cases, and the compiled form against the plain one."""

import os
import subprocess
import sys
from pathlib import Path

import mpmath
import numpy as np
import pytest
import quiet_arrays
from conftest import make_example, small_cell
from regimes import CASES, REGIMES, Regime, network

import engine.products.spectral_norms_numba
from engine.cells import CELLS
from engine.common.backend import to_host
from engine.network.unroll import forward, jacobians
from engine.products.lanczos import RULE
from engine.products.spectral_norms import (
    compiled_log_norms,
    first_order_log_norms,
    log_spectral_norms,
    pairs,
    plain_log_norms,
    spectral_norm_by_lanczos,
    start_vector,
)

# What is proven, of a squared norm: 1.8e-9. So of log S 9e-10; products add some rounding of their own.
CLOSE = {"rtol": 0, "atol": 1e-9}
PAPER_CELLS = ["plain", "leaky", "scalar", "multi"]


def cell_parts(name, T=80, units=16, samples=2, gain=1.0):
    """A and B (T, member, sample, H, H) of two networks with weights U(-1, 1) gain / sqrt(fan_in), inputs U(0, 1)."""
    cell = small_cell(name, units=units)
    (W, _), _, _ = make_example(cell, seeds=(1, 2), gain=gain)
    u = np.random.default_rng(1).uniform(size=(T, 2, cell.inputs, samples))
    return jacobians(cell, W, forward(cell, W, u).z)


def chain(T=20, H=8, samples=2, seed=0):
    return np.random.default_rng(seed).normal(size=(T, 1, samples, H, H)) / np.sqrt(H)


def at(t, k, T):
    """Place of (t, k) along the pair axis."""
    its_t, its_k = pairs(T)
    return np.flatnonzero((its_t == t) & (its_k == k)).item()


def exact_product(factors):
    """Of mpmath matrices, the first factor first."""
    product = mpmath.matrix(factors[0].tolist())
    for factor in factors[1:]:
        product = mpmath.matrix(factor.tolist()) * product
    return product


def exact_log_norm(product):
    return float(mpmath.log(mpmath.svd_r(product, compute_uv=False)[0]))


def test_pairs_are_all_pairs_in_order():
    t, k = pairs(4)
    assert list(zip(t.tolist(), k.tolist(), strict=True)) == [(2, 1), (3, 1), (3, 2), (4, 1), (4, 2), (4, 3)]


@pytest.mark.parametrize("name", PAPER_CELLS)
def test_norms_of_a_cell_equal_high_precision(name):
    """At lags 1, 2, 40 and 79, on either side of a block's middle and across it."""
    A, B = cell_parts(name)
    J, found = A + B, log_spectral_norms(A + B)
    with mpmath.workdps(60):
        for t, k in [(2, 1), (65, 64), (66, 64), (41, 1), (80, 40), (80, 1)]:
            expected = exact_log_norm(exact_product(list(J[k:t, 1, 0])))
            np.testing.assert_allclose(found[at(t, k, 80), 1, 0], expected, **CLOSE)


def exact_log_norm_along(factors):
    """log ||Phi v|| in 60 digits, v the right singular vector from double precision, whose error counts squared."""
    formed, v = np.eye(len(factors[0])), None
    for factor in factors:
        formed = factor @ formed
        formed /= np.abs(formed).max() or 1
    with mpmath.workdps(60):
        w = v = mpmath.matrix(np.linalg.svd(formed)[2][0].tolist())
        for factor in factors:
            w = mpmath.matrix(factor.tolist()) * w
        return float(mpmath.log(mpmath.norm(w) / mpmath.norm(v))) if any(w) else -np.inf


@pytest.mark.parametrize("gain", [1.0, 2.0])
def test_norms_at_the_paper_s_size(gain):
    """H = 64, lag 40."""
    A, B = cell_parts("multi", T=42, units=64, samples=1, gain=gain)
    expected = exact_log_norm_along((A + B)[2:, 0, 0])
    np.testing.assert_allclose(log_spectral_norms(A + B)[at(42, 2, 42), 0, 0], expected, **CLOSE)


def jacobians_of(name, regime, units, T=14):
    """J (T, 1, 1, H, H) of a network of tests/regimes.py."""
    cell = small_cell(name, units)
    (W, _), u, _ = network(cell, REGIMES[regime], T=T)
    return sum(jacobians(cell, W, forward(cell, W, u).z))


@pytest.mark.parametrize("units", [1, 3, 12])
@pytest.mark.parametrize(("name", "regime"), CASES)
def test_norms_where_trained_networks_live(name, regime, units):
    """Weights weak or strong, gates and candidates saturated: products of 1, 2, 5 and 13 factors."""
    J = jacobians_of(name, regime, units)
    found = log_spectral_norms(J)[:, 0, 0]
    for t, k in [(2, 1), (8, 6), (8, 3), (14, 1)]:
        expected = exact_log_norm_along(J[k:t, 0, 0])
        np.testing.assert_allclose(found[at(t, k, 14)], expected, rtol=1e-15, atol=CLOSE["atol"])


@pytest.mark.parametrize("regime", ["gates at 50", "both saturated", "W_r of rank 1", "weights times 1e-3"])
@pytest.mark.parametrize("name", ["multi", "gru"])
def test_these_on_every_array_library(name, regime, place_or_kernels):
    J = jacobians_of(name, regime, 5, T=7)
    found = to_host(log_spectral_norms(place_or_kernels(J)))
    np.testing.assert_allclose(found, log_spectral_norms(J), rtol=1e-15, atol=CLOSE["atol"])


HADAMARD = np.array([[1.0]])
for _ in range(3):
    HADAMARD = np.block([[HADAMARD, HADAMARD], [HADAMARD, -HADAMARD]])


def clusters(width, rest, samples=200):
    """Four of eight values between 1 - width and 1, the others up to `rest`: (sample, 8)."""
    rng = np.random.default_rng(0)
    s = rest * rng.uniform(size=(samples, 8))
    s[:, :4] = 1 - width * rng.uniform(size=(samples, 4))
    return rng.permuted(s, axis=1)


@pytest.mark.parametrize("rest", [0, 1e-8, 0.5, 0.99])
@pytest.mark.parametrize("width", 10.0 ** -np.arange(2, 13))
def test_clusters_of_every_width(width, rest):
    """Products of a diagonal matrix and of Hadamard's, whose singular values are all equal: none is rounded."""
    s = clusters(width, rest)
    J = np.stack([HADAMARD + 0 * s[..., None], s[..., None] * np.eye(8), HADAMARD + 0 * s[..., None]])
    found, each = log_spectral_norms(np.concatenate([J[:1], J])[:, None])[:, 0], np.log(8) / 2
    largest = np.log(s.max(axis=1))
    for (t, k), expected in {(3, 1): largest + each, (4, 2): largest + each, (4, 1): largest + 2 * each}.items():
        np.testing.assert_allclose(found[at(t, k, 4)], expected, **CLOSE)


@pytest.mark.parametrize("place", [np.asarray, quiet_arrays.place], ids=["compiled", "plain"])
def test_a_cluster_beside_tiny_values(place):
    """The iteration once froze on such: 71 % of the draws were off by more than 1e-9, up to 3e-3."""
    J = np.diag(np.tile([1.0, 1e-8], 4)) + 1e-7 * np.random.default_rng(5).normal(size=(3, 1, 40, 8, 8))
    found = to_host(log_spectral_norms(place(J)))[at(3, 1, 3), 0]
    expected = [exact_log_norm_along(J[1:, 0, sample]) for sample in range(40)]
    np.testing.assert_allclose(found, expected, **CLOSE)


def test_a_saturated_network_that_was_wrong():
    """GRU, gates at +-6, weights times 1e-3, where log S came out as -2.0414590e-3 for -2.0408276e-3."""
    cell = small_cell("gru", units=8)
    (W, _), u, _ = network(cell, Regime(gain=1e-3, gates=6), T=14)
    J = sum(jacobians(cell, W, forward(cell, W, u).z))
    found = log_spectral_norms(J)[:, 0, 0]
    for t, k in zip(*pairs(14), strict=True):
        np.testing.assert_allclose(found[at(t, k, 14)], exact_log_norm_along(J[k:t, 0, 0]), **CLOSE)


@pytest.mark.parametrize("largest", [10.0, 1 + 1e-6])
def test_a_direction_that_the_start_lacks(largest, place_or_kernels):
    """I + (s - 1) q q^T, q orthogonal to where every iteration starts, as each factor beside an identity."""
    start = start_vector(8)
    q = np.linalg.qr(np.stack([start, np.ones(8)], axis=1))[0][:, 1]
    J = np.stack([np.eye(8), np.eye(8) + (largest - 1) * np.outer(q, q), np.eye(8), np.eye(8)])[:, None, None]
    found = to_host(log_spectral_norms(place_or_kernels(J)))[:, 0, 0]
    t, k = pairs(4)
    np.testing.assert_allclose(found, np.where((k < 2) & (t >= 2), np.log(largest), 0), **CLOSE)


@pytest.mark.parametrize("name", ["scalar", "multi"])
def test_first_order_norms_of_a_cell_equal_high_precision(name):
    """The first-order term as the sum over the place of B."""
    A, B = cell_parts(name, units=10)
    zeroth, first = first_order_log_norms(A, B)
    with mpmath.workdps(60):
        for t, k in [(2, 1), (66, 64), (41, 1), (80, 1)]:
            A_j, B_j = ([mpmath.matrix(factor.tolist()) for factor in part[k:t, 0, 1]] for part in (A, B))
            before, after, N = [mpmath.eye(10)], mpmath.eye(10), mpmath.zeros(10)
            for factor in A_j:
                before.append(factor * before[-1])
            for j in reversed(range(t - k)):
                N += after * B_j[j] * before[j]
                after = after * A_j[j]
            np.testing.assert_allclose(zeroth[at(t, k, 80), 0, 1], exact_log_norm(before[-1]), **CLOSE)
            np.testing.assert_allclose(first[at(t, k, 80), 0, 1], exact_log_norm(before[-1] + N), **CLOSE)


@pytest.mark.parametrize("name", PAPER_CELLS)
def test_all_pairs_equal_singular_values_of_products_one_by_one(name):
    A, B = cell_parts(name, T=21, gain=2.0)
    found = [log_spectral_norms(A + B), *first_order_log_norms(A, B)]
    for i, (t, k) in enumerate(zip(*pairs(21), strict=True)):
        S = F = np.broadcast_to(np.eye(16), A.shape[1:])
        N = np.zeros_like(F)
        for j in range(k, t):
            S, F, N = (A + B)[j] @ S, A[j] @ F, A[j] @ N + B[j] @ F
        for log_norms, product in zip(found, (S, F, F + N), strict=True):
            np.testing.assert_allclose(log_norms[i], np.log(np.linalg.norm(product, 2, axis=(-2, -1))), **CLOSE)


@pytest.mark.parametrize("name", CELLS)
def test_compiled_form_equals_the_plain_one(name):
    """Where that proves a norm; what it leaves are products of few factors."""
    A, B = cell_parts(name, T=37, samples=1)
    for parts in ((A + B,), (A, B)):
        for found, expected in zip(compiled_log_norms(*parts), plain_log_norms(*parts), strict=True):
            proven = np.isfinite(expected)
            np.testing.assert_allclose(found[proven], expected[proven], **CLOSE)
            t, k = pairs(37)
            assert np.isfinite(found).all() and proven[t - k > 8].all()


def test_arrays_of_every_library(place_or_kernels):
    A, B = cell_parts("multi", T=9, units=5)
    A_there, B_there = place_or_kernels(A), place_or_kernels(B)
    found = [log_spectral_norms(A_there + B_there), *first_order_log_norms(A_there, B_there)]
    expected = [log_spectral_norms(A + B), *first_order_log_norms(A, B)]
    for x, y in zip(found, expected, strict=True):
        np.testing.assert_allclose(to_host(x), y, **CLOSE)


def test_samples_in_one_array_equal_samples_one_by_one():
    A, B = cell_parts("multi", T=20)
    one = [x[:, 1, 1] for x in first_order_log_norms(A, B)]
    np.testing.assert_array_equal([x[:, 0, 0] for x in first_order_log_norms(A[:, 1:, 1:], B[:, 1:, 1:])], one)


def orthogonal(**options):
    return np.linalg.qr(chain(**options))[0]


def constant(matrix, T=20):
    return np.broadcast_to(matrix, (T, 1, 2, *np.shape(matrix)))


def scales(T=20, power=200):
    return 10.0 ** (power * (-1.0) ** np.arange(T))[:, None, None, None, None]


def all_but_annihilating(size, T=20, H=8):
    """Factors of norm 1, of which two in a row have a product of about `size`."""
    J = size * chain(T, H)
    J[::2, ..., 0, 1], J[1::2, ..., 2, 3] = 1, 1
    return J


HARD = {
    "identity": constant(np.eye(8)),
    "orthogonal": orthogonal(),
    "nearly the identity": 0.2 * np.eye(8) + 1e-9 * chain(),
    "nearly orthogonal": 0.9 * orthogonal() + 1e-6 * chain(),
    "two equal largest": constant(np.diag([1.0, 1.0, 0.5, 0.1, 0.1, 0.01, 0.0, 0.0])),
    "two nearly equal largest": orthogonal() @ np.diag([1.0, 1 - 1e-8, 0.5, 0.1, 0.1, 0.1, 0.0, 0.0]),
    "another one becomes the largest": np.concatenate(
        [constant(np.diag([1.0, 0.5, 0.1]), T=7), constant(np.diag([0.5, 1.0, 0.1]), T=13)]
    ),
    "rank one": chain()[..., :1] @ chain(seed=1)[..., :1, :],
    "rank five": chain()[..., :5] @ chain(seed=1)[..., :5, :],
    "one unit": chain(H=1),
    "huge": 1e200 * chain(),
    "tiny": 1e-200 * chain(),
    "huge and tiny in turn": scales() * chain(),
    "products 1e-80 of their factors' norms": all_but_annihilating(1e-80),
    "a product 1e-120 of its factors' norms": constant(np.diag([1.0, 1e-120, 1e-121]))
    * 1.0
    @ np.where(np.arange(20)[:, None, None, None, None] % 2 == 0, np.eye(3), np.eye(3)[[1, 2, 0]]),
}


def scaled_log_norms(J):
    """By singular values of products that are scaled after each factor."""
    T = len(J)
    found = np.empty((len(pairs(T)[0]), *J.shape[1:3]))
    for k in range(1, T):
        product, log_scale = np.broadcast_to(np.eye(J.shape[-1]), J.shape[1:]), 0.0
        for t in range(k + 1, T + 1):
            product = J[t - 1] @ product
            peak = np.abs(product).max(axis=(-2, -1), keepdims=True)
            product, log_scale = product / peak, log_scale + np.log(peak[..., 0, 0])
            found[at(t, k, T)] = np.log(np.linalg.norm(product, 2, axis=(-2, -1))) + log_scale
    return found


@pytest.mark.parametrize("spread", [0, 1e-12, 1e-9, 1e-6, 1e-2])
def test_norms_of_single_matrices(place, spread):
    """Among them one with a cluster of singular values, the identity, and 0."""
    rng = np.random.default_rng(0)
    X = rng.normal(size=(2, 4, 12, 12))
    U, V = (np.linalg.qr(rng.normal(size=(12, 12)))[0] for _ in range(2))
    X[0, 1], X[0, 2], X[0, 3] = 0, np.eye(12), U @ np.diag(1 - spread * np.arange(12)) @ V
    # What is proven, beside rounding.
    found = to_host(spectral_norm_by_lanczos(place(X)))
    np.testing.assert_allclose(found, np.linalg.norm(X, 2, axis=(-2, -1)), rtol=1e-9)


@pytest.mark.parametrize("name", HARD)
def test_hard_factors(name, place_or_kernels):
    J = np.ascontiguousarray(HARD[name])
    # The logs of huge and tiny products, up to 9000, have rounding of their own.
    found = to_host(log_spectral_norms(place_or_kernels(J)))
    np.testing.assert_allclose(found, scaled_log_norms(J), rtol=1e-14, atol=CLOSE["atol"])


def test_a_product_that_is_zero_has_log_minus_infinity(place):
    J = chain(T=8)
    J[4] = 0
    t, k = pairs(8)
    zero = (k <= 4) & (t >= 5)
    found = to_host(log_spectral_norms(place(J)))[:, 0]
    assert np.isneginf(found[zero]).all() and np.isfinite(found[~zero]).all()
    nilpotent = np.zeros((3, 1, 1, 2, 2))
    nilpotent[..., 0, 1] = 1  # each factor has norm 1, and two of them are 0
    np.testing.assert_array_equal(to_host(log_spectral_norms(place(nilpotent)))[:, 0, 0], [0, -np.inf, 0])


def test_a_jacobian_that_is_not_finite_marks_its_sample_alone(place):
    A, B = chain(T=5), chain(T=5, seed=1)
    expected = first_order_log_norms(A, B)
    B[2, 0, 1, 0, 0] = np.nan
    for found, sound in zip(first_order_log_norms(place(A), place(B)), expected, strict=True):
        assert np.isnan(to_host(found)[:, 0, 1]).all()
        np.testing.assert_allclose(to_host(found)[:, 0, 0], sound[:, 0, 0], **CLOSE)


def test_a_thousand_steps_neither_underflow_nor_overflow():
    """Diagonal factors, whose products are known: log norms go to -3400."""
    T, H = 1000, 4
    d = np.random.default_rng(0).uniform(0.01, 0.1, size=(T, H))
    J = np.zeros((T, 1, 1, H, H))
    J[:, 0, 0, np.arange(H), np.arange(H)] = d
    total = np.concatenate([np.zeros((1, H)), np.cumsum(np.log(d), axis=0)])
    t, k = pairs(T)
    # rtol: a sum of a thousand logs.
    np.testing.assert_allclose(
        log_spectral_norms(J)[:, 0, 0], (total[t] - total[k]).max(axis=1), rtol=1e-13, atol=CLOSE["atol"]
    )


def test_what_is_not_proven_is_decomposed_and_counted(place, monkeypatch, caplog):
    A, B = chain(T=6), chain(T=6, seed=1)
    expected = first_order_log_norms(A, B)
    never = RULE._replace(newton_error=0.0)
    for module in ("lanczos", "spectral_norms"):
        monkeypatch.setattr(f"engine.products.{module}.RULE", never)
    with caplog.at_level("INFO"):
        found = first_order_log_norms(place(A), place(B))
    for x, y in zip(found, expected, strict=True):
        np.testing.assert_allclose(to_host(x), y, **CLOSE)
    assert "of 30 spectral norms by singular value decomposition" in caplog.text


def test_every_form_keeps_the_rule(monkeypatch, request):
    """With another tolerance each is as wrong as that allows, in NumPy, on any arrays, and in the CUDA kernel."""
    J, loose = chain(T=20), RULE._replace(tolerance=0.2)
    exact = log_spectral_norms(J)
    for module in ("lanczos", "lanczos_cuda", "spectral_norms"):
        monkeypatch.setattr(f"engine.products.{module}.RULE", loose)
    forms = [np.asarray, quiet_arrays.place]
    found = [to_host(log_spectral_norms(place(J))) for place in forms]
    request.getfixturevalue("kernels_on_cpu")
    found.append(to_host(log_spectral_norms(quiet_arrays.place(J))))
    for log_S in found:
        assert 1e-3 < np.abs(log_S - exact).max() < 0.1


@pytest.mark.parametrize("name", PAPER_CELLS)
def test_real_networks_need_no_decomposition(name, caplog):
    A, B = cell_parts(name)
    with caplog.at_level("INFO"):
        log_spectral_norms(A + B)
        first_order_log_norms(A, B)
    assert not caplog.text


WHAT_MEMORY_HELD = """
import numpy as np
from engine.products import lanczos_numba, spectral_norms_numba
from engine.products.spectral_norms import RULE, block_widths, start_vector

class Held:
    def __getattr__(self, name):
        return getattr(np, name)

    def empty(self, *shape):
        x = np.empty(*shape)
        x[...] = held if x.dtype.kind == "f" else 0
        return x

spectral_norms_numba.np = lanczos_numba.np = Held()
A, B = (scale * np.random.default_rng(seed).normal(size=(24, 1, 8, 8)) for scale, seed in ((0.28, 6), (0.035, 106)))
for held in (0.0, 1.0):
    found = np.zeros((2, 1, 24, 24))
    spectral_norms_numba.fill_log_norms(A, B, block_widths(24), start_vector(8)[None], RULE, found)
    print(found.tobytes().hex())
"""


def test_nothing_depends_on_what_the_working_memory_held():
    """Bit for bit, on the kernel as Python runs it: a pair that is done once left what stood there to the others."""
    said = subprocess.run(
        [sys.executable, "-W", "ignore", "-c", WHAT_MEMORY_HELD],
        cwd=Path(engine.products.spectral_norms_numba.__file__).parents[2],
        env=os.environ | {"NUMBA_DISABLE_JIT": "1"},
        capture_output=True,
        text=True,
    )
    assert said.returncode == 0, said.stderr
    first, second = said.stdout.split()
    assert first == second
