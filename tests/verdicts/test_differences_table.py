"""Tables of what the released code gives beside what is defined."""

import re

import numpy as np
import pytest
import xarray as xr

from engine.verdicts.differences import OF_A_NETWORK, of_networks, one_update_later, rows, rows_of_each, table

SEEDS = [1, 2, 3, 4]


def example(seeds=SEEDS, checkpoints=(0, 1, 9, 10), lags=(1, 12)):
    """What is measured of networks, and their training over ten updates."""
    rng = np.random.default_rng(2)
    coords = {"seed": list(seeds), "checkpoint": list(checkpoints), "lag": list(lags)}

    def drawn(*dims):
        return dims, rng.lognormal(size=[len(coords[dim]) for dim in dims])

    of_lags, of_network = ("seed", "checkpoint", "lag"), ("seed", "checkpoint")
    variables = {name: drawn(*(of_lags if name.startswith("jacobian") else of_network)) for name in OF_A_NETWORK}
    measured = xr.Dataset(variables | {"unresolved_pairs": drawn(*of_lags)}, coords)
    training = xr.Dataset(
        {"loss": (("seed", "iteration"), rng.lognormal(size=(len(seeds), 10)))}, {"seed": coords["seed"]}
    )
    return measured, training.assign(probe_loss=drawn(*of_network))


def test_networks_have_their_anisotropy_and_losses():
    measured, training = example()
    found = of_networks(measured, training)
    assert list(found) == [*OF_A_NETWORK, "loss", "probe_loss"]
    np.testing.assert_allclose(found.loss.sel(checkpoint=9), training.loss[:, :9].mean("iteration"), rtol=1e-14)


def test_rows_are_medians_over_the_same_seeds_and_checkpoints():
    defined, released = (of_networks(*example(seeds)) for seeds in (SEEDS, SEEDS[:3]))
    found = rows("jitter", defined, released.sel(checkpoint=[9]))
    assert len(found) == 2 * 2 + 4  # two quantities at two lags, four without
    by_lag = next(row for row in found if row["quantity"] == "jacobian_energy" and row["lag"] == 12)
    assert (by_lag["checkpoint"], by_lag["departure"], by_lag["seeds"]) == (9, "jitter", 3)
    assert by_lag["defined"] == np.median(defined.jacobian_energy.values[:3, 2, 1])
    assert by_lag["released"] == np.median(released.jacobian_energy.values[:, 2, 1])
    assert next(row for row in found if row["quantity"] == "probe_loss")["lag"] == ""


def test_the_next_update_has_the_number_of_its_checkpoint():
    ds = of_networks(*example())
    later = one_update_later(ds, [0, 9])
    assert later.checkpoint.values.tolist() == [0, 9]
    np.testing.assert_array_equal(later.gradient_energy.values, ds.gradient_energy.sel(checkpoint=[1, 10]).values)


def test_each_departure_stands_beside_the_definition():
    dims = ("seed", "checkpoint", "departure", "lag")
    coords = {"seed": SEEDS, "checkpoint": [9], "departure": ["exact", "shifted", "guarded"], "lag": [1, 4]}
    values = np.random.default_rng(3).normal(size=(4, 1, 3, 2))
    found = rows_of_each(xr.Dataset({"log_sensitivity": (dims, values)}, coords))
    assert [(row["departure"], row["lag"]) for row in found] == [
        ("shifted", 1), ("shifted", 4), ("guarded", 1), ("guarded", 4)
    ]  # fmt: skip
    assert found[3]["quantity"] == "sensitivity"
    assert found[3]["defined"] == pytest.approx(np.exp(np.median(values[:, 0, 0, 1])), rel=1e-14)
    assert found[3]["released"] == pytest.approx(np.exp(np.median(values[:, 0, 2, 1])), rel=1e-14)


def row(quantity, lag, defined, released, departure="guarded"):
    return {"departure": departure, "quantity": quantity, "lag": lag, "defined": defined, "released": released}


def test_a_table_shows_what_changes_at_the_lags_asked_for():
    found = [
        row("loss", "", 1.0, 0.5),
        row("jacobian_anisotropy", 12, 2.0, 1234.5),
        row("jacobian_anisotropy", 4, 2.0, 3.0),  # a lag that is not asked for
        row("jacobian_energy", 1, 1.0, 1.00999),  # too little
        row("jacobian_energy", 1, 0.0, 0.0, "exact"),  # nothing
        row("jacobian_anisotropy", 1, float("inf"), float("inf"), "exact"),
        row("jacobian_anisotropy", 12, float("inf"), 7.0, "float32"),
        row("loss", "", 1.0, float("nan"), "diverged"),
    ]
    lines = [re.split(r" *\| *", line) for line in table(found, ["departure"], lags=[1, 12]).splitlines()]
    assert [line[1:-1] for line in (lines[0], *lines[2:])] == [
        ["departure", "AI, lag 12", "training loss"],
        ["guarded", "2 → 1.23e+03", "1 → 0.5"],
        ["float32", "inf → 7", ""],
        ["diverged", "", "1 → nan"],
    ]
