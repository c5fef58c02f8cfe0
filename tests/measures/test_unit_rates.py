"""[ELR.diag] Rates of units by loops over the definition, and where they are known."""

import numpy as np
import pytest
from conftest import DEVICES, make_example, small_cell
from scipy.stats import pearsonr, spearmanr

from engine.measures.unit_rates import QUANTITIES, agreement, means_of_all, summarize
from engine.network.unroll import forward, jacobians

RATE = 0.03


def measured(cell, device=DEVICES["numpy"]):
    (W, _), u, _ = make_example(cell)
    W, u = device.move(W), device.move(u)
    z = forward(cell, W, u).z
    return summarize(*means_of_all(cell, W, z, sum(jacobians(cell, W, z))), RATE)


def by_the_definition(cell, m):
    """{(order, h): mean over samples and t of |mu^(q)|}, by a division by 1 - g, of member m."""
    (W, _), u, _ = make_example(cell)
    H, z = len(cell.unit_coordinates["unit"]), forward(cell, W, u).z
    J = sum(jacobians(cell, W, z))[:, m]
    r = [np.broadcast_to(np.exp(cell.log_gates(W, z_t)[1][m]), (H, u.shape[-1])) for z_t in z]
    found = {}
    for h in range(1, len(J)):
        exact, first = [], []
        for t in range(h + 1, len(J) + 1):
            for b in range(u.shape[-1]):
                steps = range(t - h, t)  # step j of docs/theory.md is element j - 1
                product = np.eye(J.shape[-1])
                for j in steps:
                    product = J[j, b] @ product
                gamma_0 = np.prod([r[j][:, b] for j in steps], axis=0)
                gamma_1 = gamma_0 * sum((np.diag(J[j, b])[-H:] - r[j][:, b]) / r[j][:, b] for j in steps)
                exact.append(RATE * np.abs(np.diag(product)[-H:]))
                first.append(RATE * np.abs(gamma_0 + gamma_1))
        found["exact", h], found["first", h] = np.mean(exact, axis=0), np.mean(first, axis=0)
    return found


@pytest.mark.parametrize("name", ["leaky", "scalar", "multi", "gru", "lstm", "stack"])
def test_every_rate_is_its_definition(name):
    cell = small_cell(name)
    found = measured(cell)
    assert set(found) == set(QUANTITIES)
    for m in range(3):
        expected = by_the_definition(cell, m)
        for (order, h), rates in expected.items():
            kind = {"exact": "", "first": "first_order_"}[order]
            # Sums of less than a hundred terms.
            np.testing.assert_allclose(np.exp(found[f"log_{kind}unit_rate"][m, h - 1]), rates, rtol=1e-10)
            np.testing.assert_allclose(np.exp(found[f"log_{kind}envelope"][m, h - 1]), rates.sum(), rtol=1e-10)


def test_at_lag_1_the_first_order_is_exact(cell):
    found = measured(cell)
    np.testing.assert_allclose(found["log_first_order_unit_rate"][:, 0], found["log_unit_rate"][:, 0], rtol=1e-12)


def test_a_cell_that_retains_nothing_has_no_first_order_beyond_lag_1():
    found = measured(small_cell("plain"))
    assert np.isneginf(found["log_first_order_envelope"][:, 1:]).all()
    assert np.isfinite(found["log_envelope"]).all() and np.isnan(found["envelope_slope_ratio"]).all()


def test_every_device_measures_the_same(device):
    here, there = (measured(small_cell("multi"), at) for at in (DEVICES["numpy"], device))
    for name, expected in here.items():
        np.testing.assert_allclose(there[name], expected, rtol=1e-9)


def test_agreement_of_two_envelopes():
    """f = e^(-h / 10) exactly and e^(-h / 4) with a ripple to first order."""
    h = np.arange(1.0, 21)
    exact, first = -h[None] / 10, -h[None] / 4 + 0.6 * np.sin(h)
    found = {name: x[0] for name, x in agreement(exact, first).items()}
    assert found["envelope_slope_ratio"] == pytest.approx(np.polyfit(h, first[0], 1)[0] / -0.1)
    assert found["envelope_correlation"] == pytest.approx(pearsonr(exact[0], first[0])[0])
    assert found["envelope_rank_correlation"] == pytest.approx(spearmanr(exact[0], first[0])[0])
