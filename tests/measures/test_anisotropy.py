"""[ANI.J] and [ANI.G] recomputed from the definitions: automatic differentiation, loops over samples, 50 digits."""

import autograd
import mpmath as mp
import numpy as np
import pytest
from conftest import small_cell
from test_gradient_spectrum import exact_spectrum
from test_unroll import REFERENCE, reference_loss

from engine.measures.anisotropy import QUANTITIES, energy, measure, propagation
from engine.network.ensemble import Networks
from engine.network.unroll import Parameters
from engine.tasks.batches import ensemble_batch
from engine.tasks.recorded import Recorded
from engine.training.train import initial_parameters

SEEDS, CHECKPOINTS = (3, 8), (0, 5)
PROTOCOL = {"T": 9, "probe_batch": 4, "lags": [1, 3, 6], "pairs": 5, "r": 3, "gradients": 8}


def networks_of(name):
    """Untrained networks; those of the second checkpoint have larger weights."""
    cell = small_cell(name)
    W, W_o = initial_parameters(cell, SEEDS, "float64")
    return Networks(cell, Parameters(np.stack([W, 1.7 * W]), np.stack([W_o, W_o])), SEEDS, CHECKPOINTS)


def weights_of(networks, m, c):
    return networks.cell.unpack(networks.parameters.W[c, m]) | {"W_o": networks.parameters.W_o[c, m, 0]}


def exact_singular_values(factors):
    """Singular values in 50 digits of the product of Jacobians, the first factor on the right."""
    with mp.workdps(50):
        product = mp.eye(len(factors[0]))
        for J in factors:
            product = mp.matrix(J.tolist()) * product
        return [float(s) for s in mp.svd_r(product, compute_uv=False)]


@pytest.mark.parametrize("name", ["plain", "scalar", "multi", "gru", "lstm"])
def test_propagation_equals_the_definition(name):
    networks, r = networks_of(name), PROTOCOL["r"]
    found = measure(networks, "adding", **PROTOCOL)
    u, _, _ = ensemble_batch("adding", SEEDS, "probe", 0, T=9, n=3, batch=4)
    for m, c in np.ndindex(2, 2):
        weights = weights_of(networks, m, c)

        def step(x, u_t, weights=weights):
            return REFERENCE[name](weights, x, u_t)

        for i, lag in enumerate(PROTOCOL["lags"]):
            spectra = []
            for b, t in zip(found["pair_sample"][m, i], found["pair_time"][m, i], strict=True):
                x, states = np.zeros(networks.cell.state_size), []
                for u_t in u[:, m, :, b]:
                    states.append(x)
                    x = step(x, u_t)
                # J_j of docs/theory.md is the derivative of the step from x_{j-1}, j = t-h+1..t
                factors = [autograd.jacobian(step)(states[j - 1], u[j - 1, m, :, b]) for j in range(t - lag + 1, t + 1)]
                spectra.append(exact_singular_values(factors))
            s = np.array(spectra)
            assert s[:, r - 1].min() > 1e-5 * s[:, 0].max()  # so that plain double precision holds them to 1e-9
            assert found["jacobian_anisotropy"][m, c, i] == pytest.approx(np.median(s[:, 0] / s[:, r - 1]), rel=1e-9)
            shares = (s[:, :r] ** 2).sum(axis=1) / (s**2).sum(axis=1)
            assert found["jacobian_energy"][m, c, i] == pytest.approx(np.median(shares), rel=1e-12)
            np.testing.assert_allclose(
                np.exp(found["log_singular_values"][m, c, i, :r]), np.median(s, axis=0)[:r], rtol=1e-9
            )


@pytest.mark.parametrize("name", ["plain", "scalar", "multi", "gru", "lstm"])
def test_updates_equal_the_definition(name):
    networks, r = networks_of(name), PROTOCOL["r"]
    found = measure(networks, "adding", **PROTOCOL)
    u, y, _ = ensemble_batch("adding", SEEDS, "gradient", 0, T=9, n=3, batch=8)
    for m, c in np.ndindex(2, 2):
        rows = []
        for b in range(8):

            def loss(w, m=m, b=b):
                return reference_loss(name, w, u[:, m, :, b : b + 1], y[m, b : b + 1])

            gradient = autograd.grad(loss)(weights_of(networks, m, c))
            rows.append(np.concatenate([np.ravel(g) for g in gradient.values()]))
        s = np.array(exact_spectrum(np.array(rows)))
        # Jacobians and gradients of two programs differ by some 1e-15 of the largest entry; s_7 / s_1 is some 1e-3.
        assert found["gradient_anisotropy"][m, c] == pytest.approx(s[0] / s[r - 1], rel=1e-10)
        assert found["gradient_energy"][m, c] == pytest.approx((s[:r] ** 2).sum() / (s**2).sum(), rel=1e-11)
        np.testing.assert_allclose(found["gradient_singular_values"][m, c, :7], s[:7], rtol=1e-9)
        assert np.isnan(found["gradient_singular_values"][m, c, 7])  # eight samples, less the one for their mean
        assert found["samples_without_gradient"][m, c] == 0


def test_samples_without_a_gradient_are_counted_and_left_out():
    """A silent readout answers 0, so a sample whose target is 0 has no gradient."""
    networks = networks_of("plain")
    networks.parameters.W_o[:] = 0
    rng = np.random.default_rng(2)
    u, y = rng.normal(size=(9, 3, 8)), rng.normal(size=8)
    y[[1, 6]] = 0
    found, expected = (
        measure(networks, Recorded(u[..., some], y[some]), **PROTOCOL | {"gradients": len(some)})
        for some in (np.arange(8), np.flatnonzero(y))
    )
    assert (found["samples_without_gradient"] == 2).all()
    assert (expected["samples_without_gradient"] == 0).all()
    for name in ("gradient_anisotropy", "gradient_energy"):
        # the same rows in another order, and two rows of zeros: sums round differently
        np.testing.assert_allclose(found[name], expected[name], rtol=1e-9, err_msg=name)


def test_cells_and_tasks_have_the_same_pairs():
    first, second = (
        measure(networks_of(name), task, **PROTOCOL) for name, task in (("plain", "short"), ("multi", "ar2"))
    )
    for name in ("pair_sample", "pair_time"):
        np.testing.assert_array_equal(first[name], second[name])


def log_norms(log_s):
    """log ||Phi||_F of products whose values that are not resolved are 0."""
    return np.log(np.nansum(np.exp(2 * log_s), axis=-1)) / 2


def test_a_median_counts_only_if_what_is_not_resolved_cannot_change_it():
    log_s = np.log(np.array([[[8.0, 4, 2], [8, 2, np.nan], [8, 2, 1], [8, 1, np.nan], [2, 1, np.nan]]]))
    log_s = np.append(log_s, log_s[:, :, :1], axis=2)[:, :, [3, 0, 1, 2]]  # s_1 twice
    found = propagation(log_s, log_norms(log_s), 3)
    assert found["unresolved_pairs"] == 0
    assert found["jacobian_anisotropy"] == pytest.approx(4, rel=1e-15)  # the median of 2, 4, 4, 8, 2
    # s_4 is 2, at most 2, 1, at most 1, at most 1: its median is 1 or less
    np.testing.assert_allclose(np.exp(found["log_singular_values"][0]), [8, 8, 2, np.nan], rtol=1e-15)
    log_s[0, 3, 2] = np.nan  # AI is 1 or more there: the median 2 or 4
    assert propagation(log_s, log_norms(log_s), 3)["unresolved_pairs"] == 1
    assert np.isposinf(propagation(log_s, log_norms(log_s), 3)["jacobian_anisotropy"])
    log_s[0, 3, 1] = np.log(2.0)  # and now 4 or more: the median is 4, and that of s_3 is 2 wherever it lies
    assert propagation(log_s, log_norms(log_s), 3)["jacobian_anisotropy"] == pytest.approx(4, rel=1e-15)
    assert np.exp(propagation(log_s, log_norms(log_s), 3)["log_singular_values"][0, 2]) == pytest.approx(2, rel=1e-15)


@pytest.mark.parametrize("log_zero", [-np.inf, np.nan])
def test_a_product_that_is_zero_has_no_anisotropy(log_zero):
    found = propagation(np.full((1, 3, 4), log_zero), np.full((1, 3), -np.inf), 2)
    assert found.pop("unresolved_pairs") == 3
    for name, value in found.items():
        assert np.isnan(value).all(), name


def test_energy_has_the_whole_product_in_the_denominator():
    """Also what is not resolved of it; squares of these numbers have no place in float64."""
    log_s = np.log([[4.0, 2, 2, 1], [4, 2, 1, np.nan]]) - 700
    log_norm = np.log([25, 24]) / 2 - 700
    # the logs near 700 are rounded to 1e-13
    np.testing.assert_allclose(energy(log_s, log_norm, 2), [20 / 25, 20 / 24], rtol=1e-12)


@pytest.mark.parametrize("name", ["multi", "lstm"])
def test_a_diverged_network_is_marked_and_shapes_are_those_declared(name):
    networks = networks_of(name)
    networks.parameters.W[1, 0] = np.nan
    found = measure(networks, "adding", **PROTOCOL)
    sizes = {"seed": 2, "checkpoint": 2, "lag": 3, "pair": 5, "rank": networks.cell.state_size, "gradient_rank": 8}
    assert found.keys() == QUANTITIES.keys()
    for variable, quantity in QUANTITIES.items():
        assert found[variable].shape == tuple(sizes[dim] for dim in quantity.dims.split()), variable
        if "checkpoint" in quantity.dims:
            assert np.isnan(found[variable][0, 1]).all() and np.isfinite(found[variable][1, 1]).any(), variable


def test_seeds_in_one_pass_equal_seeds_one_by_one_on_every_array_library(device):
    networks = networks_of("scalar")
    found = measure(networks, "adding", **PROTOCOL, device=device, members_per_pass=2)
    for name, expected in measure(networks, "adding", **PROTOCOL).items():
        # the same products, for some libraries with sums in another order; small singular values feel it most
        np.testing.assert_allclose(found[name], expected, rtol=1e-9, err_msg=name)
