"""Each departure of the released code, written out for one pair (sample, t) at a time with NumPy."""

import numpy as np
import pytest
from conftest import small_cell

from engine.common.backend import to_host
from engine.measures import effective_lr
from engine.measures.anisotropy import measure as measure_anisotropy
from engine.measures.chains import draw_pairs
from engine.measures.differences import (
    DEPARTURES,
    QUANTITIES,
    measure,
    start_vectors,
)
from engine.measures.differences_slope import DEPARTURES as SLOPE_DEPARTURES
from engine.measures.differences_slope import guarded, log_power_norms, one_more_gate
from engine.measures.differences_slope import measure as measure_slopes
from engine.measures.effective_lr import power_fit
from engine.network.ensemble import Networks
from engine.network.unroll import Parameters, forward
from engine.products.spectral_norms import pairs
from engine.tasks.batches import ensemble_batch
from engine.training.train import initial_parameters

SEEDS, H, r = (1, 2), 20, 5
PROTOCOL = {"T": 14, "probe_batch": 4, "lags": [1, 4, 9], "pairs": 5, "r": r}


def networks_of(name, units=H, gain=1.0):
    cell = small_cell(name, units=units)
    W, W_o = initial_parameters(cell, SEEDS, "float64")
    return Networks(cell, Parameters(gain * W[None], W_o[None]), SEEDS, (0,))


def parts(name, weights, x, u):
    """A_t, B_t with x_{t-1}, B_t with x_t in its place, and x_t, written from docs/theory.md."""
    phi = np.tanh(weights["W_r"] @ x + weights["W_i"] @ u)
    if name in ("scalar", "multi"):
        rows, driven = (weights[key] for key in (("w_r", "w_i") if name == "scalar" else ("V_r", "V_i")))
        g = 1 / (1 + np.exp(-(rows @ x + driven @ u)))
    else:
        g, rows = {"plain": 1.0, "leaky": 0.8}[name], np.zeros((H, H))
    g, rows = np.broadcast_to(g, H), np.broadcast_to(rows, (H, H))
    after = (1 - g) * x + g * phi
    A = np.diag(1 - g) + np.diag(g * (1 - phi**2)) @ weights["W_r"]
    return A, *(np.diag((phi - state) * g * (1 - g)) @ rows for state in (x, after)), after


def report(s, total=None, norm=None, guard=0.0):
    """S, AI and CE from singular values in falling order."""
    energy = (s[:r] ** 2).sum() / ((s**2 if total is None else total).sum() + guard)
    return s[0] if norm is None else norm, s[0] / (s[r - 1] + guard), energy


def product(factors):
    out = factors[0]
    for factor in factors[1:]:
        out = factor @ out
    return out


def power_norm(Phi, v):
    for _ in range(5):
        v = Phi @ v / np.linalg.norm(Phi @ v)
    return np.linalg.norm(Phi @ v)


def written_out(A, B, B_shifted, v):
    """{departure: (S, AI, CE)} of one product from its factors, the first step first."""
    Phi = product([a + b for a, b in zip(A, B, strict=True)])
    s = np.linalg.svd(Phi)[1]
    single = product([(a + b).astype(np.float32) for a, b in zip(A, B, strict=True)])
    return {
        "exact": report(s),
        "shifted_state": report(np.linalg.svd(product([a + b for a, b in zip(A, B_shifted, strict=True)]))[1]),
        "reversed_order": report(np.linalg.svd(product([a + b for a, b in zip(A, B, strict=True)][::-1]))[1]),
        "power_iteration": report(s, norm=power_norm(Phi, v)),
        "leading_energy": report(s, total=s[:16] ** 2),
        "float32_products": report(np.linalg.svd(single)[1].astype(float)),
        "guarded_ratios": report(s, guard=1e-12),
    }


@pytest.mark.parametrize("name", ["plain", "leaky", "scalar", "multi"])
def test_every_departure_equals_its_written_out_form(name):
    # weights of a fifth make S near 1e-7 at lag 9, where the guards and float32 are felt
    networks = networks_of(name, gain=0.2)
    found = measure(networks, "adding", **PROTOCOL)
    u, _, _ = ensemble_batch("adding", SEEDS, "probe", 0, T=14, n=3, batch=4)
    for m, seed in enumerate(SEEDS):
        weights = networks.cell.unpack(networks.parameters.W[0, m])
        steps = []
        for b in range(4):
            x, run = np.zeros(H), []
            for u_t in u[:, m, :, b]:
                *jacobian_parts, x = parts(name, weights, x, u_t)
                run.append(jacobian_parts)
            steps.append(run)
        samples, times = draw_pairs(seed, PROTOCOL["lags"], 5, 14, 4)
        start = start_vectors([seed], 5, H)[0, :, :, 0]
        for i, lag in enumerate(PROTOCOL["lags"]):
            rows = [
                written_out(*zip(*steps[b][t - lag : t], strict=True), v)
                for b, t, v in zip(samples[i], times[i], start, strict=True)
            ]
            for d, departure in enumerate(DEPARTURES):
                S, AI, CE = np.median([row[departure] for row in rows], axis=0)
                # float32 rounds each product to 6e-8 of its norm, and the two programs not in the same way
                tolerance = 1e-4 if departure == "float32_products" else 1e-8
                assert np.exp(found["log_sensitivity"][m, 0, d, i]) == pytest.approx(S, rel=tolerance)
                assert found["jacobian_anisotropy"][m, 0, d, i] == pytest.approx(AI, rel=tolerance)
                assert found["jacobian_energy"][m, 0, d, i] == pytest.approx(CE, rel=tolerance)


def test_each_departure_changes_what_it_is_about_and_nothing_else():
    found = measure(networks_of("multi", gain=0.2), "adding", **PROTOCOL)
    touched = {
        "exact": (),
        "shifted_state": tuple(QUANTITIES),
        "reversed_order": tuple(QUANTITIES),
        "power_iteration": ("log_sensitivity",),
        "leading_energy": ("jacobian_energy",),
        "float32_products": tuple(QUANTITIES),
        "guarded_ratios": ("jacobian_anisotropy", "jacobian_energy"),
    }
    for d, departure in enumerate(DEPARTURES):
        for name in QUANTITIES:
            equal = found[name][:, :, d] == found[name][:, :, 0]
            assert not equal[..., -1].any() if name in touched[departure] else equal.all(), (departure, name)


def test_exact_is_what_the_paper_run_measures():
    """To rounding: there, products that end at the same step share their parts."""
    networks = networks_of("scalar")
    found = measure(networks, "adding", **PROTOCOL)
    expected = measure_anisotropy(networks, "adding", **PROTOCOL, gradients=8)
    for name in ("jacobian_anisotropy", "jacobian_energy"):
        np.testing.assert_allclose(found[name][:, :, 0], expected[name], rtol=1e-12)


def test_power_norms_of_all_products_equal_loops(place):
    rng = np.random.default_rng(2)
    J, v = rng.normal(0, 0.1, (6, 2, 3, 4, 4)), rng.normal(size=(2, 3, 4, 1))
    found = to_host(log_power_norms(place(J), place(v)))
    for i, (t, k) in enumerate(zip(*pairs(6), strict=True)):
        for m, b in np.ndindex(2, 3):
            expected = power_norm(product(list(J[k:t, m, b])), v[m, b, :, 0])
            assert found[i, m, b] == pytest.approx(np.log(expected), rel=1e-12)  # six products of 4 x 4


def test_guard_bends_a_slope_that_is_known():
    log_P = np.linspace(-1, -30, 300).reshape(100, 1, 3)
    assert power_fit(log_P, 2 * log_P)[0] == pytest.approx(2, rel=1e-13)
    bent = guarded(2 * log_P)
    np.testing.assert_allclose(bent, np.log(np.exp(2 * log_P) + 1e-12), rtol=1e-14)
    assert power_fit(log_P, bent)[0] < 1.5  # S levels off at 1e-12, in the middle of these points


@pytest.mark.parametrize("name", ["scalar", "multi"])
def test_one_more_gate_is_that_of_the_step_before_the_first_jacobian(name):
    networks = networks_of(name, units=5)
    cell, W = networks.cell, networks.parameters.W[0]
    u, _, _ = ensemble_batch("adding", SEEDS, "probe", 0, T=6, n=3, batch=2)
    z = forward(cell, W, u).z
    weights, keys = cell.unpack(W), ("w_r", "w_i") if name == "scalar" else ("V_r", "V_i")
    rows = np.concatenate([weights[key].reshape(2, -1, weights[key].shape[-1]) for key in keys], axis=-1)
    g = 1 / (1 + np.exp(-(rows @ z)))
    for found, t, k in zip(one_more_gate(cell, W, z), *pairs(6), strict=True):
        # g_j is the element j - 1; six gates of about 1e-16 each
        np.testing.assert_allclose(np.exp(found), g[k - 1 : t].prod(axis=0).mean(axis=1), rtol=1e-14)


def test_slopes_equal_the_effective_learning_rate_and_loops():
    networks = networks_of("leaky", units=6)
    found = measure_slopes(networks, "adding", T=12, probe_batch=3)["slope"]
    expected = effective_lr.measure(networks, "adding", rate=0.01, T=12, probe_batch=3)["slope"]
    np.testing.assert_allclose(found[:, :, 0], expected, rtol=1e-12)
    u, _, _ = ensemble_batch("adding", SEEDS, "probe", 0, T=12, n=3, batch=3)
    z = forward(networks.cell, networks.parameters.W[0], u).z
    for m, seed in enumerate(SEEDS):
        start, points = start_vectors([seed], 3, 6)[0, :, :, 0], []
        for b in range(3):
            J = [networks.cell.step_jacobian(networks.parameters.W[0], z_t)[0][m, b] for z_t in z]  # B = 0
            points += [
                ((t - k) * np.log(0.8), np.log(power_norm(product(J[k:t]), start[b])))
                for t, k in zip(*pairs(12), strict=True)
            ]
        log_P, log_S = np.array(points).T
        # P is one value a lag: of the 66 points of a sample only the one of lag 11 lies outside the 1% quantile
        inside = (log_P >= np.quantile(log_P, 0.01) - 1e-9) & (log_P <= np.quantile(log_P, 0.99) + 1e-9)
        for d, y in ((1, log_S), (3, np.log(np.exp(log_S) + 1e-12))):
            assert found[m, 0, d] == pytest.approx(np.polyfit(log_P[inside], y[inside], 1)[0], rel=1e-9)
    np.testing.assert_allclose(found[:, :, 4], found[:, :, 0], rtol=1e-12)  # alpha once more moves all points alike


@pytest.mark.parametrize("name", ["plain", "multi"])
def test_a_diverged_network_is_marked_and_shapes_are_those_declared(name):
    networks = networks_of(name)
    networks.parameters.W[0, 0] = np.nan
    found = measure(networks, "adding", **PROTOCOL)
    assert found.keys() == QUANTITIES.keys()
    for value in found.values():
        assert value.shape == (2, 1, len(DEPARTURES), 3)
        assert np.isnan(value[0]).all() and np.isfinite(value[1]).all()
    slopes = measure_slopes(networks_of("leaky"), "adding", T=6, probe_batch=2)["slope"]
    assert slopes.shape == (2, 1, len(SLOPE_DEPARTURES))


def test_every_array_library_gives_the_same(device):
    networks = networks_of("scalar")
    found = measure(networks, "adding", **PROTOCOL, device=device, members_per_pass=2)
    for name, expected in measure(networks, "adding", **PROTOCOL).items():
        # float32 products may be summed in another order
        np.testing.assert_allclose(found[name], expected, rtol=1e-4, err_msg=name)
