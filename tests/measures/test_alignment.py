"""[ALIGN.state] against the products, norms and subspaces written out, and against chance."""

import mpmath
import numpy as np
import pytest
from conftest import OUTPUTS, PLACES, make_example, small_cell

from engine.cells import make_cell
from engine.common.backend import to_host
from engine.losses.cross_entropy import CrossEntropy
from engine.losses.squared_error import SquaredError
from engine.measures import alignment
from engine.measures.chains import jacobian_products_to_the_end
from engine.network.unroll import Parameters, forward, jacobians

LAGS = [1, 5, 3]


def explicit_products(cell, parameters, z):
    """Phi_{T,T-h} over h = 0..T-1, (lag, member, sample, H, H)."""
    J = sum(jacobians(cell, parameters.W, z))
    products = [np.broadcast_to(np.eye(cell.state_size), J.shape[1:])]
    for t in range(len(J) - 1, 0, -1):
        products.append(products[-1] @ J[t])
    return np.stack(products)


def test_all_quantities_equal_their_definitions(cell, example, place):
    parameters, u, _ = example
    z = forward(cell, parameters.W, u, keep_tapes=False).z
    r = 2
    found = alignment.transport(cell, Parameters(*(place(p) for p in parameters)), place(z), LAGS, r)
    log_norms, efficiencies, energies, errors = (to_host(x) for x in found)
    Phi = explicit_products(cell, parameters, z)
    U, s, _ = np.linalg.svd(Phi)
    w = np.zeros((3, 4, cell.state_size))  # the same for all samples
    w[:, :, cell.output] = parameters.W_o / np.linalg.norm(parameters.W_o, axis=2, keepdims=True)
    # products of at most six small matrices, whose largest singular value keeps its relative accuracy
    np.testing.assert_allclose(log_norms, np.log(s[..., 0]), atol=1e-12)
    transported = np.linalg.norm(np.einsum("mbi,hmbij->hmbj", w, Phi), axis=-1)
    np.testing.assert_allclose(efficiencies, transported / s[..., 0], rtol=1e-10)
    projector = U[..., :r] @ np.swapaxes(U[..., :r], -1, -2)
    energy = np.einsum("mbi,hmbij,mbj->hmb", w, projector, w)
    # two products in double precision, each off by what it says of itself
    resolved = errors < alignment.ENERGY_ERROR
    assert (np.abs(energies - energy[LAGS]) < 2 * errors + 1e-14)[resolved].all()
    alike = s[..., r - 1] < (1 + 1e-12) * s[..., r]  # units of relu that rest: the subspace is any
    np.testing.assert_array_equal(resolved, ~alike[LAGS])
    assert np.median(errors[resolved]) < 1e-12


@pytest.mark.parametrize("loss", [SquaredError(), CrossEntropy()])
@pytest.mark.parametrize("name", ["multi", "lstm"])
def test_several_outputs_read_the_space_of_their_rows(name, loss, place):
    """Means over a basis of it, whichever: by its projector. A cross-entropy does not see the mean of its outputs."""
    cell, r = small_cell(name), 2
    parameters, u, _ = make_example(cell, outputs=OUTPUTS)
    z = forward(cell, parameters.W, u, keep_tapes=False).z
    found = alignment.transport(cell, Parameters(*map(place, parameters)), place(z), LAGS, r, loss)
    _, efficiencies, energies, errors = (to_host(x) for x in found)
    rows = np.zeros((3, OUTPUTS, cell.state_size))
    rows[:, :, cell.output] = parameters.W_o
    rank = OUTPUTS
    if loss.name == "cross_entropy":
        rows, rank = rows - rows.mean(axis=1, keepdims=True), OUTPUTS - 1
    Phi = explicit_products(cell, parameters, z)
    U, s, _ = np.linalg.svd(Phi)
    onto = (np.linalg.pinv(rows, rcond=1e-12) @ rows)[:, None]  # projector on the rows
    transported = np.linalg.norm(onto @ Phi, axis=(-2, -1)) / rank**0.5
    np.testing.assert_allclose(efficiencies, transported / s[..., 0], rtol=1e-10)  # as above
    energy = np.linalg.norm(onto @ U[..., :r], axis=(-2, -1)) ** 2 / rank
    assert (np.abs(energies - energy[LAGS]) < 2 * errors + 1e-14).all()
    assert np.median(errors) < 1e-12


def test_rows_that_others_make_up_are_no_directions():
    """More outputs than units, and one that is a sum of two: a basis has as many rows as there are dimensions."""
    rows = np.random.default_rng(0).standard_normal((2, 9, 4))
    rows[1, 2:] = 0
    rows[1, 5] = rows[1, 0] + 1e-3 * rows[1, 1]
    found = alignment.orthonormal_rows(rows)
    projectors = np.swapaxes(found, 1, 2) @ found
    assert found.shape == (2, 4, 4)
    np.testing.assert_allclose(projectors[0], np.eye(4), atol=1e-13)  # rounding of four products
    assert np.trace(projectors[1]) == pytest.approx(2, abs=1e-13)


def test_kernels_agree(kernels_on_cpu):
    parameters, u, _ = make_example(small_cell("lstm"))
    z, place = forward(small_cell("lstm"), parameters.W, u, keep_tapes=False).z, PLACES["quiet"]
    expected = alignment.transport(small_cell("lstm"), parameters, z, LAGS, 2)
    found = alignment.transport(small_cell("lstm"), Parameters(*map(place, parameters)), place(z), LAGS, 2)
    for x, y in zip(found, expected, strict=True):
        np.testing.assert_allclose(to_host(x), y, atol=1e-10)  # as above: of a subspace


def test_energy_is_one_for_a_readout_in_the_subspace_and_for_the_whole_space():
    rng = np.random.default_rng(1)
    Phi = rng.normal(size=(1, 1, 6, 6))
    U = np.linalg.svd(Phi)[0]
    w = (U[..., :3] @ np.array([0.6, 0.0, -0.8]))[..., None, :]
    assert alignment.subspace_energy(Phi, w, 3)[0] == pytest.approx(1, abs=1e-13)
    assert alignment.subspace_energy(Phi, w, 2)[0] == pytest.approx(0.36, abs=1e-13)
    assert alignment.subspace_energy(Phi, w, 6)[0] == pytest.approx(1, abs=1e-13)


def test_a_random_direction_has_the_energy_of_chance():
    rng = np.random.default_rng(2)
    H, r, draws = 16, 4, 400
    Phi = rng.normal(size=(draws, 1, H, H))
    w = rng.normal(size=(draws, 1, 1, H))
    w /= np.linalg.norm(w, axis=-1, keepdims=True)
    energies, errors = alignment.subspace_energy(Phi, w, r)
    found = alignment.summarize(np.ones((1, 1, draws)), np.ones((1, 1, draws)), energies.T[None], errors.T[None], r, H)
    # energy is Beta(r/2, (H-r)/2): standard deviation 0.144 of 0.25, so that of the mean's gain is 0.029; four of them
    assert found["alignment_gain"] == pytest.approx(1, abs=0.12)
    assert found["alignment_energy"] == pytest.approx(found["alignment_gain"] * r / H)


def test_long_products_neither_underflow_nor_lose_their_norm():
    """A leaky cell without recurrent weights: J = (1 - alpha) I, so S = (1 - alpha)^h."""
    cell = make_cell("leaky", 4, 2, alpha=0.999)
    T = 150
    W, W_o = np.zeros((1, *cell.shape)), np.ones((1, 1, 4))
    log_norms, efficiencies, _, _ = alignment.transport(cell, Parameters(W, W_o), np.zeros((T, 1, 6, 2)), [1], 2)
    # 0.001^149 = 1e-447 is no float; 149 logs are added, near 1000 in doubles 1e-13 apart
    np.testing.assert_allclose(log_norms[:, 0, 0], np.log(0.001) * np.arange(T), atol=1e-10)
    np.testing.assert_allclose(efficiencies, 1, rtol=1e-13)


def test_products_that_vanish_are_nan_not_numbers():
    cell = make_cell("plain", 4, 2)
    W, W_o = np.zeros((1, *cell.shape)), np.ones((1, 1, 4))
    found = alignment.transport(cell, Parameters(W, W_o), np.zeros((5, 1, 6, 2)), [1, 3], 2)
    found = alignment.summarize(*found, 2, 4)
    assert np.isneginf(found["log_transport_norm"][0, 1:]).all()
    assert np.isnan(found["transport_efficiency"][0, 1:]).all()
    assert np.isnan(found["alignment_energy"]).all()
    assert (found["unresolved_samples"] == 2).all()


def test_unresolved_samples_are_counted_and_the_others_averaged():
    energies, errors = np.array([[[0.5, 0.9, 0.3, 0.1]]]), np.array([[[1e-6, np.nan, 1e-6, 1e-6]]])

    def summary(errors):
        return alignment.summarize(np.zeros((1, 1, 4)), np.ones((1, 1, 4)), energies, errors, 2, 8)

    found = summary(errors)
    assert found["unresolved_samples"].item() == 1
    assert found["alignment_energy"].item() == pytest.approx(0.3)
    errors[..., 2] = 0.01
    assert summary(errors)["alignment_energy"].item() == pytest.approx(0.3)  # half of them remain
    errors[..., 0] = np.inf
    found = summary(errors)
    assert found["unresolved_samples"].item() == 3
    assert np.isnan([found["alignment_energy"].item(), found["alignment_gain"].item()]).all()


class Factors:
    """A cell whose Jacobians are given: J (time, sample, H, H); its input z says which."""

    def __init__(self, J):
        self.J, self.state_size = J, J.shape[-1]

    def step_jacobian(self, W, z):
        return self.J[int(z[0, 0, 0])][None], 0


def exact_energy(factors, w, r):
    """||U_r^T w||^2 of the product of integer matrices, the last factor on the left; 120 digits."""
    product = factors[0]
    for factor in factors[1:]:
        product = factor @ product
    with mpmath.workdps(120):
        U, _, _ = mpmath.svd_r(mpmath.matrix(product.tolist()))
        along = mpmath.matrix(w.tolist()).T * U
        return float(sum(along[i] ** 2 for i in range(r)))


@pytest.mark.parametrize("r", [4, 6, 7])
def test_the_error_of_the_energy_is_what_it_says_whatever_the_anisotropy(r):
    """Products of 40 random factors, AI from 1e3 to 1e17, against exact integers."""
    H, samples, lag = 8, 6, 40
    rng = np.random.default_rng(r)
    integers = np.rint(2.0**20 * rng.normal(size=(lag, samples, H, H))).astype(np.int64).astype(object)
    cell = Factors(integers.astype(float) * 2.0**-20)  # exact in double precision
    w = rng.normal(size=(1, 1, 1, H))
    w /= np.linalg.norm(w)
    times = np.arange(lag, dtype=float)[:, None, None, None] * np.ones((1, 1, 1, samples))
    times = np.concatenate([times[:1], times])  # the first step is before all products
    *_, (Phi, _) = jacobian_products_to_the_end(cell, None, times)
    energies, errors = (x[0] for x in alignment.subspace_energy(Phi, w, r))
    found = np.abs(energies - [exact_energy(integers[:, b], w[0, 0, 0], r) for b in range(samples)])
    assert (found < errors + 1e-14).all()  # 1e-14: of the sum of squares itself
    resolved = errors < alignment.ENERGY_ERROR
    # No more than a factor 1000 too careful: what is flagged may be off by 1e-6 at least.
    assert (found[~resolved] > 1e-6).all()
    assert (errors[resolved] < 1e3 * np.maximum(found[resolved], 1e-15)).all()


@pytest.mark.parametrize("place", PLACES.values(), ids=PLACES)
def test_a_subspace_without_a_gap_is_not_resolved(place):
    """s_2 = s_3, exactly and up to rounding, also where w lies in one of the two directions."""
    rng = np.random.default_rng(3)
    left, right = (np.linalg.qr(rng.normal(size=(4, 4)))[0] for _ in range(2))
    equal, apart = (left @ np.diag(s) @ right for s in ([4.0, 1, 1, 0.5], [4.0, 1, 0.999, 0.5]))
    Phi = np.stack([np.eye(4), np.diag([2.0, 1, 1, 0.5]), equal, apart])[:, None]
    w = np.broadcast_to(np.eye(4)[1], (4, 1, 1, 4)).copy()
    _, errors = alignment.subspace_energy(place(Phi), place(w), 2)
    assert (to_host(errors)[:, 0] < alignment.ENERGY_ERROR).tolist() == [False, False, False, True]
    energy, errors = alignment.subspace_energy(place(Phi), place(w), 4)  # the whole space has no gap to have
    np.testing.assert_allclose(to_host(energy), 1, rtol=1e-14)
    assert (to_host(errors) == 0).all()


def test_the_medians_and_means_are_over_samples():
    log_norms = np.log([[[1.0, 2.0, 9.0]]])
    found = alignment.summarize(
        log_norms, np.array([[[0.1, 0.2, 0.9]]]), np.array([[[0.3, 0.3, 0.6]]]), np.zeros((1, 1, 3)), 2, 8
    )
    assert found["log_transport_norm"].item() == pytest.approx(np.log(2))
    assert found["transport_efficiency"].item() == pytest.approx(0.4)
    assert found["alignment_gain"].item() == pytest.approx(0.4 * 4)
