"""Drawn pairs: where they are all pairs they give what all pairs give; otherwise a part of them."""

import numpy as np
import pytest
from conftest import ALL_CELLS, DEVICES, small_cell
from test_effective_lr import networks_of

from engine.common.backend import to_host
from engine.measures.drawn_pairs import FEWEST, draw_ends, median_errors, steps_back
from engine.measures.effective_lr import OF_DRAWN_PAIRS, QUANTITIES, coordinates, measure

T = 9


@pytest.mark.parametrize("name", ALL_CELLS)
def test_every_time_of_one_sample_gives_what_all_pairs_give(name):
    """Norms by another way, to 1e-9 each."""
    networks, settings = networks_of(small_cell(name)), {"rate": 0.05, "T": T, "probe_batch": 1}
    drawn = measure(networks, "adding", **settings, pairs=T - 1)
    expected = measure(networks, "adding", **settings)
    assert set(drawn) - set(expected) == set(OF_DRAWN_PAIRS)
    for key, values in expected.items():
        np.testing.assert_allclose(drawn[key], values, rtol=1e-7, atol=1e-8, err_msg=key)


@pytest.mark.parametrize("name", ["scalar", "lstm"])
def test_strict_arrays_measure_the_same_in_any_number_of_passes(name):
    networks, settings = networks_of(small_cell(name)), {"rate": 0.05, "T": T, "probe_batch": 3, "pairs": 21}
    here, there = (measure(networks, "adding", **settings, device=DEVICES[at]) for at in ("numpy", "strict"))
    sizes = {dim: len(values) for dim, values in coordinates(networks, T=T, pairs=21).items()}
    for key in here:
        np.testing.assert_allclose(there[key], here[key], rtol=1e-7, atol=1e-8)
        assert here[key].shape == tuple(sizes[dim] for dim in QUANTITIES[key].dims.split())


def test_a_seed_draws_the_same_alone():
    together, (alone,) = draw_ends([4, 7], 10, T, 3)[0], draw_ends([7], 10, T, 3)[0]
    np.testing.assert_array_equal(together[1], alone)
    assert not np.array_equal(together[0], alone)


@pytest.mark.parametrize("pairs", [3, 8, 20])
def test_times_are_spread_evenly_and_samples_are_taken_in_turn(pairs):
    samples, times = draw_ends([1], pairs, T, 3)
    assert times[0] == T and times[-1] >= 2 and (np.diff(times) <= 0).all()
    assert np.ptp(np.bincount(times, minlength=T + 1)[2:]) <= 1
    assert np.ptp(np.bincount(samples[0], minlength=3)) <= 1


def test_steps_lead_from_t_back_to_the_second():
    steps = np.arange(24.0).reshape(
        1, 4, 6, 1
    )  # T = 4, six samples: the value of step t, counted from 1, is 6 (t - 1) + b
    found = [z[0, 0].tolist() for z in steps_back(steps, np.array([[5, 0, 2]]), np.array([4, 3, 2]))]
    assert found == [[18 + 5, 12 + 0, 6 + 2], [12 + 5, 6 + 0], [6 + 5]]


def test_the_error_of_a_median_is_what_many_medians_vary_by(place):
    """Of 200 medians of 100 normal numbers each; their spread is known to a twentieth."""
    x = np.random.default_rng(0).normal(size=(100, 200, 1))
    found = to_host(median_errors(place(x), np.ones(100, int)))
    assert np.median(x[..., 0], axis=0).std() == pytest.approx(np.median(found), rel=0.2)


def test_few_pairs_have_no_error():
    x, lag = np.arange(9.0)[:, None, None], np.array([1] * FEWEST + [2] * (9 - FEWEST))
    found = median_errors(x, lag)
    assert found[0, 0] == pytest.approx(4 * 0.5 / FEWEST**0.5) and np.isnan(found[0, 1])
