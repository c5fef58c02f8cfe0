"""The follow-up's networks and envelopes, at small sizes, beside the engine's definitions."""

import numpy as np
import pytest

from tools import follow_up, validation
from tools.follow_up import CELLS, Sizes, data, diagonals, first_orders, network, training, untrained

SMALL = Sizes(H=5, channels=2, T=24, sequences=8, batch=4, epochs=3, probed=2, times=2, stride=4, lags=(1, 2, 5, 8, 13))


def test_gates_and_weights_start_as_published():
    for name in CELLS:
        cell, parameters = untrained(name, 1, SMALL)
        W = {key: value[0].astype(float) for key, value in cell.unpack(parameters.W).items()}
        # float32
        np.testing.assert_allclose(W["W_r"] @ W["W_r"].T, np.eye(5), atol=1e-6)
        if name in ("leaky", "scalar", "multi"):
            z = np.concatenate([np.random.default_rng(0).normal(size=(1, 7, 3)), np.ones((1, 1, 3))], axis=1)
            np.testing.assert_allclose(cell.log_gates(parameters.W, z)[0], np.log(0.1), rtol=1e-6)


def test_the_target_follows_the_inputs_with_its_delays():
    u, y = data(3, Sizes(channels=2, T=300, sequences=500))
    assert u.shape == (300, 3, 500) and (u[:, 2] == 1).all()
    # a sine of amplitude 1/k has the mean square 1/2k^2; a hundred harmonics of random phase tell it to a few percent
    assert (u[:, :2] ** 2).mean() == pytest.approx(sum(0.5 / k**2 for k in range(1, 6)), rel=0.05)
    np.testing.assert_allclose(u[50:], u[:-50], atol=1e-4)  # the period; float32
    assert np.abs(y[:5]).max() < 0.06 < np.abs(y[5:]).max()  # noise alone, six of its standard deviations


def test_diagonals_and_first_orders_are_those_of_the_definition():
    rng = np.random.default_rng(0)
    J, retained, d = rng.normal(size=(24, 3, 3)) / 2, rng.uniform(0.3, 0.9, (23, 3)), rng.normal(size=(23, 3)) / 9
    for i, h in enumerate(SMALL.lags):
        for j, t in enumerate((20, 24)):
            Phi = np.linalg.multi_dot([*J[t - h : t][::-1], np.eye(3)]) if h > 1 else J[t - 1]
            # the same products in another order, of order one
            np.testing.assert_allclose(diagonals(J, SMALL)[i, j], np.diagonal(Phi), rtol=1e-11, atol=1e-14)
            r, share = retained[t - 1 - h : t - 1], d[t - 1 - h : t - 1]
            expected = r.prod(axis=0) * (1 + (share / r).sum(axis=0))
            np.testing.assert_allclose(first_orders(retained, d, SMALL)[i, j], expected, rtol=1e-11, atol=1e-14)


def test_training_lowers_the_loss_and_gives_numbers():
    of = SMALL._replace(epochs=200)
    (u, y), (cell, parameters) = data(2, of), untrained("leaky", 2, of)
    losses = list(training(cell, parameters, u, y, 2, of))
    assert len(losses) == 400 and np.mean(losses[-10:]) < 0.9 * np.mean(losses[:10])
    assert np.isfinite(list(network("lstm", 2, SMALL).values())).all()


def test_rows_of_cells_and_one_for_their_ranks(monkeypatch):
    floor = f", f at least {follow_up.FLOOR}"
    found = {(name, cell): np.full(5, x) for cell, of in validation.ENVELOPES.items() for name, (x, _) in of.items()}
    found |= {(name + floor, cell): x + 0.5 * (cell == "gru") for (name, cell), x in found.items()}
    found |= {("Spearman's correlation" + floor, cell): np.ones(5) for cell in validation.ENVELOPES}
    monkeypatch.setattr(follow_up, "all_networks", lambda of, seeds: found)
    rows = list(validation.envelopes())
    assert len(rows) == 1 + 2 * 5 + 2  # the floor acts on the GRU alone
    assert [row["agrees"] for row in rows].count("no, by 0.5") == 2
