"""Effective learning rates: every quantity recomputed by loops over the definition, and slopes that are known."""

import numpy as np
import pytest
from conftest import DEVICES, small_cell

from engine.common.backend import to_host
from engine.measures.effective_lr import (
    OF_DRAWN_PAIRS,
    PREDICTORS,
    QUANTITIES,
    first_and_last,
    gate_products,
    measure,
    medians_by_lag,
    power_fit,
    products_of_gates,
)
from engine.network.ensemble import Networks
from engine.network.unroll import Parameters, forward, jacobians
from engine.products.spectral_norms import pairs
from engine.tasks.batches import ensemble_batch
from engine.training.train import initial_parameters

T, PROBES, SEEDS = 9, 3, (1, 2)


def networks_of(cell, checkpoints=(0, 10)):
    """Untrained networks, those of the second checkpoint with larger weights."""
    W, W_o = initial_parameters(cell, SEEDS, "float64")
    return Networks(cell, Parameters(np.stack([W, 1.7 * W]), np.stack([W_o, W_o])), SEEDS, checkpoints)


def by_the_definition(cell, W, u):
    """S, P0, R0, A0, A1 of one network as {(sample, t, k): value}, with t, k as in docs/theory.md."""
    z = forward(cell, W[None], u[:, None]).z
    A, B = (part[:, 0] for part in jacobians(cell, W[None], z))
    log_g, log_r = zip(*(cell.log_gates(W[None], z[i]) for i in range(len(z))), strict=True)
    found = {name: {} for name in ("S", "P0", "R0", "A0", "A1")}
    for b in range(u.shape[-1]):
        for t in range(2, len(u) + 1):
            for k in range(1, t):
                key, steps = (b, t, k), range(k, t)  # step j of docs/theory.md is element j - 1
                product, dominant = np.eye(A.shape[-1]), np.eye(A.shape[-1])
                for j in steps:
                    product, dominant = (A[j, b] + B[j, b]) @ product, A[j, b] @ dominant
                first = sum(
                    chain(A[[j for j in steps if j > i], b]) @ B[i, b] @ chain(A[[j for j in steps if j < i], b])
                    for i in steps
                )
                found["S"][key] = np.linalg.norm(product, 2)
                found["A0"][key] = np.linalg.norm(dominant, 2)
                found["A1"][key] = np.linalg.norm(dominant + first, 2)
                found["P0"][key] = np.mean(np.exp(sum(log_g[j][0, :, b] for j in steps)))
                found["R0"][key] = np.mean(np.exp(sum(log_r[j][0, :, b] for j in steps)))
    return found


def chain(factors):
    """Product with later factors on the left; the identity for none."""
    product = np.eye(factors.shape[-1])
    for factor in factors:
        product = factor @ product
    return product


def median_by_lag(values):
    return [np.median([v for (_, t, k), v in values.items() if t - k == h]) for h in range(1, T)]


NAMES = {
    "S": "log_sensitivity",
    "P0": "log_gate_product",
    "R0": "log_retention_product",
    "A0": "log_dominant_product",
    "A1": "log_first_order_product",
}


@pytest.mark.parametrize("name", ["leaky", "scalar", "multi", "gru", "lstm"])
def test_every_quantity_is_its_definition(name):
    cell = small_cell(name)
    networks = networks_of(cell)
    found = measure(networks, "adding", rate=0.05, T=T, probe_batch=PROBES)
    for m, seed in enumerate(SEEDS):
        u = ensemble_batch("adding", [seed], "probe", 0, T=T, n=cell.inputs, batch=PROBES)[0][:, 0]
        for c in range(2):
            expected = by_the_definition(cell, networks.parameters.W[c, m], u)
            for key, quantity in NAMES.items():
                # Norms are exact to 1e-9 by contract; all else is a short sum of logs.
                np.testing.assert_allclose(found[quantity][m, c], np.log(median_by_lag(expected[key])), atol=1e-9)
            S = np.array(median_by_lag(expected["S"]))
            np.testing.assert_allclose(found["log_effective_rate"][m, c], np.log(0.05 * S), atol=1e-9)
            np.testing.assert_allclose(found["log_normalized_profile"][m, c], np.log(S / S[0]), atol=1e-9)
            P0 = np.array(median_by_lag(expected["P0"]))
            power = found["slope"][m, c] * np.log(P0 / P0[0])
            np.testing.assert_allclose(found["log_fitted_power_profile"][m, c], power, atol=1e-9)


@pytest.mark.parametrize("name", ["multi", "gru", "lstm"])
def test_shapes_are_those_of_the_quantities(name):
    sizes = {"seed": 2, "checkpoint": 2, "predictor_checkpoint": 2, "lag": T - 1, "unit": 5}
    found = measure(networks_of(small_cell(name)), "adding", rate=0.1, T=T, probe_batch=PROBES)
    assert set(found) == set(QUANTITIES) - set(OF_DRAWN_PAIRS)
    for quantity, array in found.items():
        assert array.shape == tuple(sizes[dim] for dim in QUANTITIES[quantity].dims.split()), quantity


def test_one_gate_for_all_units_has_no_products_by_unit():
    found = measure(networks_of(small_cell("scalar")), "adding", rate=0.1, T=T, probe_batch=PROBES)
    assert set(QUANTITIES) - set(found) == {"log_unit_gate_product", *OF_DRAWN_PAIRS}


@pytest.mark.parametrize("name", ["leaky", "multi"])
def test_strict_arrays_measure_the_same(name):
    networks = networks_of(small_cell(name))
    settings = {"rate": 0.1, "T": T, "probe_batch": PROBES}
    here, there = (measure(networks, "adding", **settings, device=DEVICES[at]) for at in ("numpy", "strict"))
    for key in here:
        np.testing.assert_allclose(there[key], here[key], atol=1e-8, rtol=1e-8)  # two norms exact to 1e-9 each


def test_members_of_a_pass_change_nothing():
    networks = networks_of(small_cell("multi"))
    settings = {"rate": 0.1, "T": T, "probe_batch": PROBES}
    alone, together = (measure(networks, "adding", **settings, members_per_pass=m) for m in (1, 2))
    for key in alone:
        np.testing.assert_allclose(together[key], alone[key], rtol=1e-12, atol=1e-12)


def test_a_diverged_network_is_missing_and_the_others_are_not():
    networks = networks_of(small_cell("scalar"))
    networks.parameters.W[1, 0] = np.nan
    found = measure(networks, "adding", rate=0.1, T=T, probe_batch=PROBES)
    for array in found.values():
        assert np.isnan(array[0, 1]).all()
        assert np.isfinite(array[1]).all() and np.isfinite(array[0, 0]).all()


def test_gate_product_of_a_constant_gate_is_a_power_of_alpha():
    cell = small_cell("leaky")
    t, k = pairs(T)
    W = initial_parameters(cell, SEEDS, "float64").W
    products = gate_products(cell, W, np.zeros((T, len(SEEDS), cell.units + cell.inputs, PROBES)))
    expected = np.broadcast_to(((t - k) * np.log(0.8))[:, None, None], products["log_gate_product"].shape)
    np.testing.assert_allclose(products["log_gate_product"], expected, rtol=1e-13)
    np.testing.assert_allclose(products["log_retention_product"], expected * np.log(0.2) / np.log(0.8), rtol=1e-13)


def test_products_of_gates_are_products():
    log_g = np.log(np.random.default_rng(0).uniform(size=(T, 2)))
    t, k = pairs(T)
    for row, (later, earlier) in zip(products_of_gates(log_g, t, k), zip(t, k, strict=True), strict=True):
        np.testing.assert_allclose(np.exp(row), np.prod(np.exp(log_g[earlier:later]), axis=0), rtol=1e-13)


def test_gates_that_are_zero_have_products_that_are_zero(place):
    """As the retention of a plain cell, at every step, or of a saturated unit, at some."""
    t, k = pairs(5)
    log_g = np.full((5, 2, 3), -0.5)
    log_g[2, 0], log_g[:, 1] = -np.inf, -np.inf
    found = to_host(products_of_gates(place(log_g), t, k))
    crosses = (k < 3) & (t >= 3)
    assert np.isneginf(found[crosses]).all() and np.isneginf(found[:, 1]).all()
    np.testing.assert_allclose(found[~crosses, 0], np.broadcast_to(-0.5 * (t - k)[~crosses, None], (4, 3)), rtol=1e-15)


def test_plain_cells_have_one_sensitivity_and_two_predictors_alike():
    """B = 0: all three products of Jacobians are the same."""
    found = measure(networks_of(small_cell("plain")), "adding", rate=0.1, T=T, probe_batch=PROBES)
    for name in PREDICTORS:
        np.testing.assert_array_equal(found[name], found["log_sensitivity"])


@pytest.mark.parametrize("name", ["leaky", "multi"])
def test_predictors_are_taken_at_the_checkpoints_that_are_asked_for(name):
    networks = networks_of(small_cell(name))
    settings = {"rate": 0.1, "T": T, "probe_batch": PROBES}
    both = measure(networks, "adding", **settings)
    last = measure(networks, "adding", **settings, predictor_checkpoints=(10,))
    for predictor in PREDICTORS:
        np.testing.assert_array_equal(last[predictor], both[predictor][:, 1:])
    np.testing.assert_array_equal(last["log_sensitivity"], both["log_sensitivity"])
    assert first_and_last((0, 50, 800)) == (0, 800) and first_and_last((7,)) == (7,)


@pytest.mark.parametrize("slope", [0.3, 2.7])
def test_a_known_power_law_is_found(place, slope):
    log_P = np.random.default_rng(0).normal(-20, 8, (500, 2, 5))
    log_S = slope * log_P + 1.5
    log_S[3, 0, 2] = -np.inf
    log_P[:7, 1, 0] = -np.inf
    *fit, fitted, dropped = (to_host(x) for x in power_fit(place(log_P), place(log_S)))
    np.testing.assert_allclose(fit, [[slope] * 2, [1.5] * 2, [1] * 2], rtol=1e-12)
    assert dropped.tolist() == [1, 7]
    # of the 2499 and 2493 points that are left, the lowest and the highest 25 lie outside the quantiles 1% and 99%
    assert fitted.tolist() == [2499 - 50, 2493 - 50]


def test_the_tails_do_not_enter_the_fit():
    rng = np.random.default_rng(0)
    log_P = rng.normal(-20, 8, (5000, 1, 1))
    log_S = 2 * log_P + 1
    outside = (log_P < np.quantile(log_P, 0.009)) | (log_P > np.quantile(log_P, 0.991))
    log_S[outside] += 100
    assert power_fit(log_P, log_S)[0] == pytest.approx([2], rel=1e-12)


def test_ties_at_the_quantiles_are_inside_whatever_their_rounding():
    """A third of the points share the largest P up to a few ulps: all of them count."""
    log_P = np.concatenate([np.full(1000, -0.2), -np.arange(1.0, 2001)])[:, None, None]
    log_S = np.concatenate([np.linspace(0, 1, 1000)[:, None, None], log_P[1000:]])
    jitter = 1 + 4e-16 * np.random.default_rng(0).integers(-3, 4, log_P.shape)
    np.testing.assert_allclose(power_fit(log_P * jitter, log_S), power_fit(log_P, log_S), rtol=1e-12)


def test_medians_by_lag_are_over_samples_and_times():
    t, k = pairs(T)
    log_x = np.random.default_rng(0).normal(size=(len(t), 2, PROBES))
    found = medians_by_lag(log_x, t - k)
    for h in range(1, T):
        np.testing.assert_allclose(found[1, h - 1], np.log(np.median(np.exp(log_x[t - k == h, 1]))), atol=1e-13)
