"""[OPT.const] and [OPT.momentum] on profiles whose kernels are known."""

import numpy as np
import pytest

from engine.measures.gate_fits import PROFILES, QUANTITIES, gate_fits


def test_known_kernels_give_their_factors_and_where_they_part():
    h = np.arange(60)
    alpha, sensitivity, gradient = 0.8, 0.6, 0.55
    profiles = [np.log(f) * np.tile(h, (2, 1)) for f in (sensitivity, alpha, 1 - alpha, gradient)]
    found = gate_fits(*profiles)
    assert found.keys() == QUANTITIES.keys()
    # PROFILES names them in this order
    np.testing.assert_allclose(found["factor"], np.tile([sensitivity, alpha, 1 - alpha, gradient], (2, 1)), rtol=1e-12)
    np.testing.assert_allclose(found["rate"][0], np.log([sensitivity, alpha, 1 - alpha, gradient]), rtol=1e-12)
    np.testing.assert_allclose(found["r_squared"], 1, atol=1e-12)
    assert (found["fitted_lags"] == 59).all()
    assert (found["fit_horizon"] == 59).all()

    def parting(a, b):
        """Last h with (a/b)^(h-1) < 2 and > 1/2."""
        return 1 + np.floor(np.log(2) / abs(np.log(a / b)))

    assert found["schedule_horizon"].tolist() == [parting(sensitivity, alpha)] * 2
    assert found["retention_horizon"].tolist() == [parting(sensitivity, 1 - alpha)] * 2
    assert found["momentum_horizon"].tolist() == [parting(gradient, 1 - alpha)] * 2
    assert found["gradient_horizon"].tolist() == [parting(gradient, sensitivity)] * 2


def test_a_plain_cell_has_no_retention_to_fit():
    h = np.arange(20.0)[None]
    nothing = np.where(h == 0, 0, -np.inf)
    found = gate_fits(-h / 2, 0 * h, nothing, -h / 3)
    i = PROFILES.index("retention_gates")
    assert np.isnan(found["factor"][0, i])
    assert found["fitted_lags"][0, i] == 0
    assert found["factor"][0, PROFILES.index("update_gates")] == 1
    assert np.isnan(found["momentum_horizon"]).all()
    assert found["factor"][0, 0] == pytest.approx(np.exp(-0.5))
