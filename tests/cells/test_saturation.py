"""The laws of test_cells.py where gates and candidates are saturated and weights weak or strong, number by number."""

import sys
from functools import cache

import numpy as np
import pytest
from conftest import small_cell
from digits import EPS, assert_exact, derivatives, mp, truth_and_reach
from regimes import CASES, REGIMES, network

from engine.cells.cell import gate, log_sigmoid, tanh_slope
from engine.common.backend import to_host
from engine.network.unroll import forward, weight_gradient


def step_of(name, regime, units):
    """A cell, its weights, and z at the third step of a network."""
    cell = small_cell(name, units)
    (W, _), u, _ = network(cell, REGIMES[regime])
    lam = np.random.default_rng(1).standard_normal((1, cell.state_size, 1))
    return cell, W, forward(cell, W, u).z[3], lam


@cache
def expected_step(name, regime, units):
    """Of one step: J, A, B, log g, log(1 - g)."""
    cell, W, z, _ = step_of(name, regime, units)

    def reference(rounded):
        W_, z_ = rounded(W), rounded(z)
        x, _ = cell.step(W_, z_)
        J = [derivatives(x_i, z_[0, : cell.state_size, 0])[0] for x_i in x[0, :, 0]]
        return np.array(J)[None, None], *cell.step_jacobian(W_, z_), *cell.log_gates(W_, z_)

    return truth_and_reach(reference)


@pytest.mark.parametrize("units", [1, 3])
@pytest.mark.parametrize(("name", "regime"), CASES)
def test_jacobian_and_gates_are_exact(name, regime, units, place):
    cell, W, z, _ = step_of(name, regime, units)
    A, B = cell.step_jacobian(place(W), place(z))
    found = A + B, A, B, *cell.log_gates(place(W), place(z))
    assert_exact(map(to_host, found), expected_step(name, regime, units))


@cache
def expected_way_back(name, regime, units):
    """J^T lambda, and the gradient of lambda . x in W."""
    cell, W, z, lam = step_of(name, regime, units)

    def reference(rounded):
        W_, z_ = rounded(W), rounded(z)
        x, _ = cell.step(W_, z_)
        return derivatives((lam * x).sum(), z_[:, : cell.state_size], W_)

    return truth_and_reach(reference)


SIZES = [(name, regime, units) for name, regime in CASES for units in (1, 3)]
SIZES += [(cell, name, 12) for cell, name in CASES if name in ("gain 3", "both saturated") and "stack" not in cell]


@pytest.mark.parametrize(("name", "regime", "units"), SIZES)
def test_way_back_is_exact(name, regime, units, place):
    cell, W, z, lam = step_of(name, regime, units)
    _, tape = cell.step(place(W), place(z))
    previous, pairs = cell.step_backward(place(W), place(z), tape, place(lam))
    found = previous, weight_gradient(cell, pairs)
    assert_exact(map(to_host, found), expected_way_back(name, regime, units))


@pytest.mark.parametrize(("name", "regime"), CASES)
def test_way_back_is_the_transposed_jacobian_of_many_units(name, regime):
    cell, W, z, lam = step_of(name, regime, 64)
    A, B = cell.step_jacobian(W, z)
    _, tape = cell.step(W, z)
    previous, _ = cell.step_backward(W, z, tape, lam)
    expected, size = (np.einsum("mbij,mib->mjb", *pair) for pair in ((A + B, lam), (abs(A) + abs(B), abs(lam))))
    # sums of 64 to 256 rounded terms
    assert (abs(previous - expected) <= 256 * EPS * size).all()


POINTS = np.array([0, 1e-300, 1e-3, 0.7, 5, 10, 15, 19, 25, 36, 40, 50, 300, 350, 700, 740, 800, 1e10, 1e300])
POINTS = np.concatenate([POINTS, -POINTS])
EXACTLY = {
    "g": (lambda s: gate(s)[0], lambda s: 1 / (1 + mp.exp(-s))),
    "1 - g": (lambda s: gate(s)[1], lambda s: 1 / (1 + mp.exp(s))),
    "slope of tanh": (tanh_slope, lambda a: mp.sech(a) ** 2),
    "log g": (log_sigmoid, lambda s: -mp.log1p(mp.exp(-s)) if s > -1e3 else s),
}


@pytest.mark.parametrize("name", EXACTLY)
def test_gates_and_slopes_have_all_their_digits(name, place):
    """To 4 units in the last place, as exp alone is off by one; without a warning of an overflow."""
    function, exact = EXACTLY[name]
    found = to_host(function(place(POINTS)))
    for s, value in zip(POINTS, found, strict=True):
        true = exact(mp.mpf(s))
        assert abs(value - true) <= max(4 * 2.0**-53 * abs(true), sys.float_info.min), s


def test_what_is_not_a_number_stays_so():
    for function in (gate, tanh_slope):
        assert np.isnan(function(np.array([np.nan]))).all()


@pytest.mark.parametrize("a", [10, 15, 19, 50, 300])
def test_jacobian_of_a_saturated_candidate(a):
    """J = W_r sech^2(a) where a is exact: to 4 units in the last place, where 1 - tanh^2 has none from 19 on."""
    cell = small_cell("plain", 1, 1)
    A, _ = cell.step_jacobian(np.array([[[0.5, a - 0.25]]]), np.array([[[0.5], [1.0]]]))
    assert abs(A.item() / (mp.sech(a) ** 2 / 2) - 1) <= 4 * 2.0**-53


@pytest.mark.parametrize("s", [25, 36, 40, -25, -36, -40])
@pytest.mark.parametrize("name", ["scalar", "multi"])
def test_gradient_of_a_saturated_gate(name, s):
    """dx/ds = (phi - x) sigma'(s) where s is exact."""
    cell = small_cell(name, 1, 1)
    W, z = np.array([[[0, 0.5], [0, s]]]), np.array([[[0.25], [1.0]]])
    _, tape = cell.step(W, z)
    _, pairs = cell.step_backward(W, z, tape, np.ones((1, 1, 1)))
    true = (mp.tanh(0.5) - 0.25) / (2 + 2 * mp.cosh(s))
    assert abs(weight_gradient(cell, pairs)[0, 1, 1] / true - 1) <= 8 * 2.0**-53
