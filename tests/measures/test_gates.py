"""The measurement of a whole job: shapes and coordinates, independent seeds, and laws that every network keeps."""

import numpy as np
import pytest
from conftest import small_cell

from engine.cells import CELLS
from engine.measures import anisotropy, gates, geometric
from engine.measures.gradient_spectrum import flat_rows, gradient_spectrum
from engine.network.ensemble import Networks
from engine.network.unroll import Parameters, lag_gradients, per_sample_gradients
from engine.tasks import make_task
from engine.tasks.batches import ensemble_batch
from engine.training.train import initial_parameters

PROTOCOL = {"T": 16, "probe_batch": 6, "samples": 3, "lags": [1, 4, 9], "r": 2}
TASK = "adding"


def networks(name, seeds=(1, 2), broken=False):
    """Two checkpoints: initial weights, and the same, larger."""
    cell = small_cell(name, units=6, inputs=3)
    parts = [[scale * p for scale in (1.0, 2.0)] for p in initial_parameters(cell, seeds, "float64")]
    parameters = Parameters(*(np.stack(p) for p in parts))
    if broken:
        for p in parameters:
            p[1, 0] = np.nan
    return Networks(cell, parameters, seeds, (0, 10))


@pytest.mark.parametrize("name", CELLS)
def test_every_quantity_has_the_shape_of_its_dimensions(name):
    job = networks(name)
    found = gates.measure(job, TASK, **PROTOCOL)
    sizes = {dim: len(values) for dim, values in gates.coordinates(job, T=16, lags=[1, 4, 9]).items()}
    assert found.keys() == gates.QUANTITIES.keys()
    for key, quantity in gates.QUANTITIES.items():
        assert found[key].shape == tuple(sizes[dim] for dim in quantity.dims.split()), key


def test_a_task_of_several_outputs_is_measured_by_its_own_loss():
    """What takes a loss, by the definitions of G_h and of the gradients of samples."""
    cell, task, seeds = small_cell("multi", units=6, inputs=4), make_task("copy"), (1, 2)
    parameters = initial_parameters(cell, seeds, "float64", outputs=3)
    job = Networks(cell, Parameters(*(p[None] for p in parameters)), seeds, (0,))
    found = gates.measure(job, task, **PROTOCOL)
    u, y, _ = ensemble_batch(task, seeds, "probe", 0, T=16, n=4, batch=6)
    G = lag_gradients(cell, parameters, u, y, task.loss)
    expected = np.sqrt((G.reshape(16, 2, -1) ** 2).sum(axis=2)).T
    np.testing.assert_allclose(np.exp(found["log_gradient_norm"][:, 0, 0]), expected, rtol=1e-11)  # five walks back
    protocol = {"T": 16, "probe_batch": 6, "lags": [1], "pairs": 2, "r": 2}
    found = anisotropy.measure(job, task, **protocol, gradients=8)
    u, y, _ = ensemble_batch(task, seeds, "gradient", 0, T=16, n=4, batch=8)
    rows = flat_rows(per_sample_gradients(cell, parameters, u, y, task.loss))
    s, _, _ = gradient_spectrum([rows], 2)
    np.testing.assert_allclose(found["gradient_singular_values"][:, 0], s, rtol=1e-9)
    assert len(anisotropy.coordinates(job, lags=[1], pairs=2, gradients=10**6)["gradient_rank"]) == rows.shape[2]


@pytest.mark.parametrize("name", CELLS)
def test_seeds_together_equal_seeds_one_by_one(name):
    together = gates.measure(networks(name, (1, 2)), TASK, **PROTOCOL, members_per_pass=2)
    for i, seed in enumerate((1, 2)):
        alone = gates.measure(networks(name, (seed,)), TASK, **PROTOCOL)
        for key, value in alone.items():
            # LAPACK and BLAS may order a sum by the shape of the stack; mean lags and fits divide by small numbers
            np.testing.assert_allclose(together[key][i], value[0], rtol=1e-9, atol=1e-12, err_msg=key)


@pytest.mark.parametrize("name", CELLS)
def test_strict_arrays_give_the_same(name, device):
    here = gates.measure(networks(name), TASK, **PROTOCOL)
    there = gates.measure(networks(name), TASK, **PROTOCOL, device=device)
    for key, value in here.items():
        # To 1e-9 norms are proven on NumPy arrays; a time scale, one over a slope of their logs, makes more of it.
        np.testing.assert_allclose(there[key], value, rtol=1e-8, atol=1e-9, err_msg=key)


@pytest.mark.parametrize("name", CELLS)
def test_a_training_that_diverged_is_nan_and_touches_no_other(name):
    whole, broken = (
        gates.measure(networks(name, broken=b), TASK, **PROTOCOL, members_per_pass=2) for b in (False, True)
    )
    for key, value in broken.items():
        assert np.isnan(value[0, 1]).all(), key
        np.testing.assert_allclose(value[1], whole[key][1], rtol=1e-9, atol=1e-12, err_msg=key)


def test_a_leaky_cell_has_the_gate_rates_of_its_alpha():
    found = gates.measure(networks("leaky"), TASK, **PROTOCOL)
    profiles = gates.gate_fits.PROFILES
    # sums of up to 15 logs
    np.testing.assert_allclose(found["factor"][..., profiles.index("update_gates")], 0.8, rtol=1e-12)
    np.testing.assert_allclose(found["factor"][..., profiles.index("retention_gates")], 0.2, rtol=1e-12)
    np.testing.assert_allclose(found["tau_state"], -1 / np.log(0.2), rtol=1e-12)
    assert (found["gate_variation_in_time"] < 1e-12).all()


@pytest.mark.parametrize("name", CELLS)
def test_what_holds_for_every_network(name):
    found = gates.measure(networks(name), TASK, **PROTOCOL)
    np.testing.assert_allclose(found["log_transport_norm"][..., 0], 0, atol=1e-15)  # Phi_{T,T} = I, to rounding
    np.testing.assert_allclose(found["transport_efficiency"][..., 0], 1, rtol=1e-14)
    assert (found["transport_efficiency"] <= 1 + 1e-9).all()  # ||Phi^T w|| <= ||Phi||, which is proven to 1e-9
    energy = found["alignment_energy"]
    assert ((energy >= 0) & (energy <= 1 + 1e-12)).all()
    weights = found["log_gradient_norm"]
    np.testing.assert_allclose(  # the norm of all weights is that of its parts
        np.exp(2 * weights[:, :, 0]), np.exp(2 * weights[:, :, 1:]).sum(axis=2), rtol=1e-12
    )


def test_the_fitted_gradient_is_that_of_all_weights():
    found = gates.measure(networks("multi"), TASK, **PROTOCOL)
    by_weight = geometric.fit(found["log_gradient_norm"]).rate  # (seed, checkpoint, weight)
    fitted = found["rate"][..., gates.gate_fits.PROFILES.index("gradient")]
    np.testing.assert_array_equal(fitted, by_weight[..., 0])
    assert (np.abs(by_weight[..., 1:] - fitted[..., None]) > 1e-6).all(), "no other weight decays at that rate"


def test_singular_lags_may_come_in_any_order():
    forwards = gates.measure(networks("multi"), TASK, **PROTOCOL)
    backwards = gates.measure(networks("multi"), TASK, **(PROTOCOL | {"lags": [9, 4, 1]}))
    for key in ("alignment_energy", "log_unit_gate_product", "gate_step_variation"):
        np.testing.assert_array_equal(backwards[key][:, :, ::-1], forwards[key])
