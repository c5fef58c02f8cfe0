"""[DATA.set] and [DATA.fresh]: what each update is given."""

import logging

import numpy as np
import pytest
from conftest import DEVICES, small_cell

from engine.common import cuda
from engine.common.backend import CPU, to_host
from engine.network.unroll import Parameters, loss_and_gradient
from engine.optimizers import make_optimizer
from engine.tasks.batches import ensemble_batch
from engine.training.data import BLOCK, Order, batches, check_set
from engine.training.train import initial_parameters, train

SEEDS = [4, 9]
SIZES = {"T": 6, "n": 2, "batch": 4}


def taken(sequences, updates, device=CPU, seeds=SEEDS, task="adding", **changes):
    """Batches of the first updates, on the host."""
    found = batches(task, seeds, **SIZES | changes, sequences=sequences, device=device)(updates)
    return [(to_host(u), to_host(y), redrawn) for u, y, redrawn in found]


def the_set(sequences, seeds=SEEDS, task="adding"):
    """u (T, member, n, sequence), y (member, sequence) as the streams named "set" give them."""
    blocks = [ensemble_batch(task, seeds, "set", i, T=6, n=2, batch=BLOCK) for i in range(-(-sequences // BLOCK))]
    u, y = (np.concatenate([block[i] for block in blocks], axis=-1)[..., :sequences] for i in (0, 1))
    return u, y


@pytest.mark.parametrize("sequences", [4, 5, 7, 8, 64, 65, 130])
def test_an_update_takes_sequences_of_the_set(device, sequences):
    all_u, all_y = the_set(sequences)
    order = Order("adding", SEEDS, sequences, 4)
    for k, (u, y, _) in enumerate(taken(sequences, range(9), device)):
        for m, which in enumerate(order(k)):
            np.testing.assert_array_equal(u[:, m], all_u[:, m][..., which])
            np.testing.assert_array_equal(y[m], all_y[m, which])


@pytest.mark.parametrize(("sequences", "batch"), [(4, 4), (7, 4), (8, 4), (5, 5), (9, 2), (100, 7)])
def test_each_sequence_is_taken_once_an_epoch_and_the_next_epoch_has_another_order(sequences, batch):
    order = Order("adding", SEEDS, sequences, batch)
    row = np.concatenate([order(k) for k in range(4 * sequences)], axis=1)
    epochs = row.reshape(2, -1, sequences)
    assert (np.sort(epochs, axis=2) == np.arange(sequences)).all()
    assert epochs.shape[1] >= 8
    orders = [tuple(epoch) for epoch in epochs.reshape(-1, sequences)]
    # Of 4! = 24 orders some come twice; neighbours and seeds are no copies of each other.
    assert len(set(orders)) > min(len(orders), 24) / 2


def test_orders_are_uniform():
    """Every sequence is equally often the first of its epoch: counts within five standard errors."""
    order = Order("adding", [1], 4, 4)
    first = np.bincount([order(k)[0, 0] for k in range(2000)], minlength=4)
    assert (np.abs(first - 500) < 5 * np.sqrt(2000 * 0.25 * 0.75)).all()


def test_an_update_is_the_same_whatever_came_before_it():
    order = Order("adding", SEEDS, 7, 4)
    rows = [order(k) for k in range(12)]
    for k in (11, 3, 4, 0):
        np.testing.assert_array_equal(Order("adding", SEEDS, 7, 4)(k), rows[k])
        np.testing.assert_array_equal(order(k), rows[k])
    for (u, y, _), (later_u, later_y, _) in zip(taken(7, range(5, 9)), taken(7, range(9))[5:], strict=True):
        np.testing.assert_array_equal(u, later_u)
        np.testing.assert_array_equal(y, later_y)


def test_a_larger_set_begins_with_the_smaller_one():
    small, large = (np.concatenate([y for _, y, _ in taken(N, range(N // 4))], axis=1) for N in (8, 200))
    for m in range(2):
        assert set(small[m]) == set(the_set(200)[1][m, :8]) and set(small[m]) <= set(large[m])


def test_a_seed_alone_has_the_set_it_has_among_others_and_no_other_has_it():
    together, alone = taken(7, range(5)), taken(7, range(5), seeds=[9])
    for (u, y, _), (u_alone, y_alone, _) in zip(together, alone, strict=True):
        np.testing.assert_array_equal(u[:, 1:], u_alone)
        np.testing.assert_array_equal(y[1:], y_alone)
    first = the_set(7)[1]
    assert not set(first[0]) & set(first[1])
    fresh = [y for _, y, _ in taken(None, range(5))]
    assert not set(np.ravel(fresh)) & set(np.ravel(first))


def test_fresh_data_are_the_batches_by_their_numbers(device):
    for k, (u, y, _) in enumerate(taken(None, range(3), device)):
        expected = ensemble_batch("adding", SEEDS, "train", k, **SIZES)
        np.testing.assert_array_equal(u, expected[0])
        np.testing.assert_array_equal(y, expected[1])


def test_nothing_is_drawn_for_no_update(monkeypatch):
    monkeypatch.setattr("engine.training.data.ensemble_batch", None)
    assert taken(8, range(3, 3)) == []


@pytest.mark.parametrize("room", [10**9, 1000])
def test_a_set_that_a_gpu_has_no_room_for_stays_on_the_host(kernels_on_cpu, monkeypatch, caplog, room):
    """8 sequences of 6 steps and 2 channels for two seeds: 1536 bytes."""
    caplog.set_level(logging.INFO)
    monkeypatch.setattr(cuda, "free_bytes", lambda: room)
    found = list(batches("adding", SEEDS, **SIZES, sequences=8, device=DEVICES["quiet"])(range(5)))
    for (u, y, _), (expected_u, expected_y, _) in zip(found, taken(8, range(5)), strict=True):
        assert u.values.flags.c_contiguous  # as a kernel reads it
        np.testing.assert_array_equal(to_host(u), expected_u)
        np.testing.assert_array_equal(to_host(y), expected_y)
    assert ("stays on the host" in caplog.text) == (room == 1000)
    assert "training set of 8 sequences: 0.000768 MB a seed" in caplog.text


def test_redrawn_paths_of_a_set_count_once(monkeypatch):
    monkeypatch.setattr("engine.tasks.narma.Narma10.bound", 0.5)
    sizes = {"task": "narma10", "T": 30, "batch": 40}
    redrawn = [again.tolist() if k == 0 else again for k, (*_, again) in enumerate(taken(100, range(4), **sizes))]
    per_block = [ensemble_batch("narma10", SEEDS, "set", i, T=30, n=2, batch=BLOCK)[2] for i in range(2)]
    assert redrawn == [sum(per_block).tolist(), 0, 0, 0] and min(redrawn[0]) > 0


def test_a_set_that_is_smaller_than_a_batch_is_refused():
    check_set(None, 64), check_set(64, 64)
    with pytest.raises(
        ValueError, match="sequences = 63 is too small: an update takes batch = 64 of them, allowed is 64 or"
    ):
        check_set(63, 64)
    with pytest.raises(ValueError, match="sequences = 3 is too small"):
        train(small_cell("multi"), make_optimizer("sgd"), lambda k: 0.1, "adding", SEEDS, **TRAINING, sequences=3)


TRAINING = {"T": 6, "batch": 4, "updates": 6, "checkpoints": [0, 3, 6], "dtype": "float64"}


def trained(name="multi", sequences=4, **changes):
    cell, rule = small_cell(name, inputs=2), make_optimizer("sgd")
    return train(cell, rule, lambda k: 0.05, "adding", SEEDS, **TRAINING | changes, sequences=sequences)


def test_training_on_one_batch_is_the_written_out_loop():
    """The set's four sequences in another order at every update: the gradient is the same mean, to rounding."""
    found = trained()
    all_u, all_y = the_set(4)
    cell = small_cell("multi", inputs=2)
    for m, seed in enumerate(SEEDS):
        parameters = initial_parameters(cell, [seed], "float64")
        for k in range(6):
            loss, gradient = loss_and_gradient(cell, parameters, all_u[:, m : m + 1], all_y[m : m + 1])
            np.testing.assert_allclose(found.loss[m, k], loss[0], rtol=1e-12)
            parameters = Parameters(*(p - 0.05 * g for p, g in zip(parameters, gradient, strict=True)))
        for kept, now in zip(found.parameters, parameters, strict=True):
            np.testing.assert_allclose(kept[2, m], now[0], rtol=1e-11, atol=1e-14)


@pytest.mark.parametrize("sequences", [4, 7, 70])
def test_members_of_a_pass_and_arrays_change_nothing(device, sequences):
    """Matrix products may add in another order on another namespace: agreement to rounding over six updates."""
    here, alone = (trained(sequences=sequences, members_per_pass=m) for m in (2, 1))
    np.testing.assert_array_equal(here.loss, alone.loss)
    there = trained(sequences=sequences, device=device)
    np.testing.assert_allclose(there.loss, here.loss, rtol=1e-11)


@pytest.mark.parametrize("name", ["plain", "scalar"])
def test_every_cell_sees_the_same_set_in_the_same_order(name, monkeypatch):
    seen = []

    def watch(cell, parameters, T, batch, loss):
        def gradient(parameters, u, y):
            seen.append(y.copy())
            return loss_and_gradient(cell, parameters, u, y)

        return gradient

    monkeypatch.setattr("engine.training.train.gradient_function", watch)
    trained("multi", 7)
    trained(name, 7)
    np.testing.assert_array_equal(seen[:7], seen[7:])


@pytest.mark.parametrize("sequences", [None, 4, 7])
def test_jitter_is_new_noise_on_the_inputs_of_every_update(device, sequences):
    sizes = {"T": 200, "n": 3}
    exact, noisy = (taken(sequences, range(2, 5), device, **sizes, jitter=jitter) for jitter in (0, 1e-6))
    noise = np.stack([u - v for (u, _, _), (v, _, _) in zip(noisy, exact, strict=True)])
    for (_, y, again), (_, expected, expected_again) in zip(noisy, exact, strict=True):
        np.testing.assert_array_equal(y, expected)
        np.testing.assert_array_equal(again, expected_again)
    # 14400 values: a mean within five standard errors, a deviation within five of its own, 1 / sqrt(2 * 14400)
    assert abs(noise.mean()) < 5e-6 / 120 and noise.std() == pytest.approx(1e-6, rel=5 / np.sqrt(2 * noise.size))
    parts = noise.transpose(0, 2, 1, 3, 4).reshape(6, -1)  # updates and seeds
    assert np.abs(np.corrcoef(parts) - np.eye(6)).max() < 5 / np.sqrt(parts.shape[1])
    later = taken(sequences, range(4, 5), device, **sizes, jitter=1e-6)
    np.testing.assert_array_equal(later[0][0], noisy[2][0])  # of a training that goes on
