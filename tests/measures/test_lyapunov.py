"""Lyapunov exponents against closed forms, published numbers, and the determinants of the Jacobians along a run."""

import logging

import numpy as np
import pytest
from conftest import small_cell
from scipy.special import expit

from engine.cells import make_cell
from engine.common.backend import to_host
from engine.measures.lyapunov import (
    QUANTITIES,
    coordinates,
    dimension,
    entropy,
    measure,
    measure_autonomous,
    random_networks,
    spectrum,
    summarize,
)
from engine.network.ensemble import Networks
from engine.network.unroll import Parameters, forward, jacobians
from engine.tasks.batches import ensemble_batch
from engine.training.train import initial_parameters

SEEDS, PROTOCOL = (1, 2), {"T": 26, "transient": 0.2, "blocks": 4}


def networks_of(cell, checkpoints=(0, 10)):
    """Untrained networks, those of the second checkpoint with larger weights."""
    W, W_o = initial_parameters(cell, SEEDS, "float64")
    return Networks(cell, Parameters(np.stack([W, 1.7 * W]), np.stack([W_o, W_o])), SEEDS, checkpoints)


def constant_inputs(place, values):
    while True:
        yield place(values)


def exponents_at_rest(cell, weights, u=None, **protocol):
    """All exponents of one network with these weights from state 0, driven by a constant input, by default none."""
    W = cell.pack({name: np.zeros((1, *view.shape)) for name, view in cell.unpack(np.zeros(cell.shape)).items()})
    for name, value in weights.items():
        cell.unpack(W)[name][...] = value
    u = np.zeros((1, cell.inputs, 1)) if u is None else u
    x = np.zeros((1, cell.state_size, 1))
    found = spectrum(cell, W, x, constant_inputs(np.asarray, u), **{"blocks": 2, **protocol})
    return found["lyapunov_exponent"][0], found


def symmetric(eigenvalues):
    V = np.linalg.qr(np.random.default_rng(0).normal(size=(len(eigenvalues),) * 2))[0]
    return V * eigenvalues @ V.T


EIGENVALUES = np.array([0.9, 0.4, 0.0, -0.5, -0.8])


@pytest.mark.parametrize("alpha", [1.0, 0.5])
def test_a_leaky_cell_that_comes_to_rest(alpha):
    """Without input and with a gain below 1 the state falls to 0, where J = 1 - alpha + alpha W_r."""
    eigenvalues = EIGENVALUES + 0.05  # no eigenvalue 0, whose log would be -inf
    cell = make_cell("leaky", 5, 1, alpha=alpha)
    W = cell.pack({"W_r": symmetric(eigenvalues)[None], "W_i": np.zeros((1, 5, 1))})
    networks = Networks(cell, Parameters(W[None], np.zeros((1, 1, 1, 5))), (1,), (0,))
    found = measure_autonomous(networks, T=1400, transient=0.95, blocks=2)
    expected = np.sort(np.log(np.abs(1 - alpha + alpha * eigenvalues)))[::-1]
    # The state is below 0.975^1330 = 1e-14; directions have settled.
    np.testing.assert_allclose(found["lyapunov_exponent"][0, 0], expected, rtol=0, atol=1e-10)


@pytest.mark.parametrize("name", ["gru", "lstm"])
@pytest.mark.parametrize("a", [1.6, 2.0, 2.4])
def test_the_critical_gain_of_a_gated_cell_is_2(name, a):
    """At rest all gates are 1/2 and the spectral radius of J is 1/2 + a/4, with the spectral radius a of W_r.

    So it is for every eigenvalue. The LSTM's J has rank H: the state h follows from c.
    """
    eigenvalues = np.array([a, 1.2, 0.5, -0.4, -1.0])
    found, _ = exponents_at_rest(small_cell(name), {"W_r": symmetric(eigenvalues)}, T=420, transient=0.96)
    # Settled to (0.8 / 0.9)^400 = 1e-20.
    np.testing.assert_allclose(found[:5], np.log(1 / 2 + eigenvalues / 4), rtol=0, atol=1e-10)
    assert np.isnan(found[5:]).all()


def test_memory_by_chrono_initialization():
    """An LSTM whose forget gates stand still: unit i forgets with the time scale -1 / log sigma(b_i) [TAU.state]."""
    tau = np.array([2.0, 5.0, 12.0, 30.0, 80.0])
    b = np.log(tau - 1)  # Tallec and Ollivier 2018: sigma(b) = 1 - 1/tau
    cell = make_cell("lstm", 5, 1)
    found, _ = exponents_at_rest(cell, {"forget_i": b[:, None]}, np.ones((1, 1, 1)), T=1100, transient=0.91)
    expected = -1 / np.log(expit(b[::-1]))
    np.testing.assert_allclose(-1 / found[:5], expected, rtol=1e-6)  # settled to exp(-1000 (1/30 - 1/80)) = 1e-9


def test_a_chaotic_rate_network_as_published():
    """D. G. Clark, arXiv 2610.12426: g = 3, time constant 1, N = 4096.

    Ours has N = 128: 6 to 10 % below, as 1/N goes; at 256 units half of that is left.
    """
    cell = make_cell("leaky", 128, 1, alpha=1.0)
    found = measure_autonomous(random_networks(cell, (1, 2, 3, 4), 3.0), T=300, transient=0.3, blocks=10, exponents=51)
    positive = (found["lyapunov_exponent"] > 0).sum(axis=-1)
    largest, dimension, entropy = found["lyapunov_exponent"][..., 0], found["dimension"], found["entropy"]
    ours = [largest.mean(), *(x.mean() / 128 for x in (dimension, entropy, positive))]
    np.testing.assert_allclose(ours, [0.30958, 0.28717, 0.025106, 0.15259], rtol=0.12)


def test_exponents_along_inputs_add_up_to_the_determinants(cell):
    """Over the blocks, log |det J_t| of the run from state 0 over the sequences of the task."""
    networks = networks_of(cell)
    found = measure(networks, "adding", samples=3, **PROTOCOL)
    u, _, _ = ensemble_batch("adding", SEEDS, "lyapunov", 0, T=26, n=cell.inputs, batch=3)
    for c in range(2):
        W = networks.parameters.W[c]
        J = sum(jacobians(cell, W, forward(cell, W, u).z))[5:25]
        log_det = np.linalg.slogdet(J)[1].mean(axis=(0, 2))
        np.testing.assert_allclose(found["lyapunov_exponent"][:, c].sum(axis=-1), log_det, rtol=1e-8)


def test_shapes_are_those_of_the_quantities():
    networks = networks_of(small_cell("lstm"))
    asked = {"exponents": 3, "samples": 2, **PROTOCOL}
    found, sizes = measure(networks, "adding", **asked), coordinates(networks, **asked)
    assert set(found) == set(QUANTITIES)
    for name, array in found.items():
        assert array.shape == tuple(len(sizes[dim]) for dim in QUANTITIES[name].dims.split()), name
    np.testing.assert_array_equal(sizes["step"], [10, 15, 20, 25])
    np.testing.assert_allclose(found["leading_exponent_by_time"][..., -1], found["lyapunov_exponent"][..., 0])


def test_every_device_measures_the_same(device):
    networks = networks_of(small_cell("multi"))
    here, there = (measure(networks, "adding", samples=2, **PROTOCOL, **at) for at in ({}, {"device": device}))
    for name, expected in here.items():
        np.testing.assert_allclose(to_host(there[name]), expected, rtol=1e-8, atol=1e-8)


def test_a_large_standard_error_is_said(caplog):
    cell = make_cell("leaky", 12, 1, alpha=1.0)
    with caplog.at_level(logging.WARNING):
        measure_autonomous(random_networks(cell, SEEDS, 3.0), T=20, transient=0.1, blocks=2)
    assert "longer sequences" in caplog.text


def test_a_small_standard_error_is_not_said(caplog):
    cell = make_cell("leaky", 4, 1, alpha=0.5)
    with caplog.at_level(logging.WARNING):
        measure_autonomous(random_networks(cell, SEEDS, 0.0), T=40, transient=0.1, blocks=2)
    assert not caplog.text


@pytest.mark.parametrize(
    ("exponents", "size", "D", "S"),
    [
        ([0.9, 0.0, -14.0], 3, 2 + 0.9 / 14, 0.9),  # Lorenz's: D = 2.06
        ([-0.1, -0.2], 2, 0.0, 0.0),
        ([0.4, 0.1], 2, 2.0, 0.5),
        ([0.4, 0.1], 3, np.nan, np.nan),
        ([0.4, -0.1], 3, np.nan, 0.4),
        ([0.4, -0.5], 3, 1.8, 0.4),
        ([0.4, -np.inf], 2, 1.0, 0.4),
        ([0.4, np.nan], 2, np.nan, 0.4),
    ],
)
def test_dimension_and_entropy(exponents, size, D, S):
    np.testing.assert_allclose(dimension(np.array(exponents), size), D)
    np.testing.assert_allclose(entropy(np.array(exponents), size), S)


def test_standard_errors_hold():
    """Of 400 measurements with independent blocks, the true value lies as often as it should within one error."""
    true = np.array([0.3, 0.1, -0.5])
    rates = true + 0.02 * np.random.default_rng(0).normal(size=(10, 400, 2, 3))
    found = summarize(rates, 3)
    known = {"lyapunov_exponent": true, "dimension": dimension(true, 3), "entropy": 0.4}
    for name, value in known.items():
        z = (found[name] - value) / found[f"{name}_error"]
        # Student's t with 19 degrees of freedom has variance 19/17; over 400 of them it is known to a tenth.
        np.testing.assert_allclose((z**2).mean(), 19 / 17, rtol=0.25)
