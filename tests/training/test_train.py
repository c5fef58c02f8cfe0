"""The ensemble loop: what it leaves, common random numbers, and divergence by name."""

import logging

import numpy as np
import pytest
from conftest import small_cell

from engine.network.gradient import tell
from engine.network.unroll import Parameters, loss_and_gradient
from engine.optimizers import make_optimizer
from engine.tasks import make_task
from engine.tasks.batches import ensemble_batch
from engine.tasks.copy import Copy
from engine.training.data import batches
from engine.training.train import initial_parameters, train
from engine.training.update_statistics import flat

PROTOCOL = {"T": 12, "batch": 8, "updates": 6, "checkpoints": [0, 3, 6], "dtype": "float64"}
SEEDS = [4, 9, 2]


def run(cell, optimizer="sgd", rate=0.05, seeds=SEEDS, **changes):
    return train(cell, make_optimizer(optimizer), lambda k: rate, "adding", seeds, **(PROTOCOL | changes))


def test_training_is_the_written_out_loop(cell):
    found = run(cell)
    for m, seed in enumerate(SEEDS):
        parameters = initial_parameters(cell, [seed], "float64")
        for k in range(6):
            if k in (0, 3):
                for kept, now in zip(found.parameters, parameters, strict=True):
                    np.testing.assert_array_equal(kept[k // 3, m], now[0])
            u, y, _ = ensemble_batch("adding", [seed], "train", k, T=12, n=cell.inputs, batch=8)
            loss, gradient = loss_and_gradient(cell, parameters, u, y)
            # The loop may fuse operations that are written apart here: one rounding each.
            np.testing.assert_allclose(found.loss[m, k], loss[0], rtol=1e-12)
            parameters = type(parameters)(*(p - 0.05 * g for p, g in zip(parameters, gradient, strict=True)))
        for kept, now in zip(found.parameters, parameters, strict=True):
            np.testing.assert_allclose(kept[2, m], now[0], rtol=1e-11, atol=1e-14)


@pytest.mark.parametrize("optimizer", ["sgd", "momentum", "rmsprop", "adam", "adamw"])
def test_members_of_a_pass_change_nothing(cell, optimizer):
    together, alone = (run(cell, optimizer, members_per_pass=m) for m in (3, 1))
    for a, b in zip(together.parameters, alone.parameters, strict=True):
        np.testing.assert_array_equal(a, b)
    np.testing.assert_array_equal(together.loss, alone.loss)


@pytest.mark.parametrize("sequences", [None, 20])
@pytest.mark.parametrize("readout_bias", [False, True])
def test_a_task_says_how_many_outputs_there_are_and_what_their_loss_is(caplog, device, sequences, readout_bias):
    """The written-out loop of copy; float64 has no compiled form, and one line says so."""
    cell, task, protocol = small_cell("multi", inputs=4), make_task("copy"), PROTOCOL | {"probe_batch": 5}
    tell.cache_clear()
    with caplog.at_level(logging.INFO):
        found = train(
            cell,
            make_optimizer("sgd"),
            lambda k: 0.05,
            "copy",
            SEEDS,
            **protocol,
            sequences=sequences,
            readout_bias=readout_bias,
            device=device,
            members_per_pass=2,
        )
    outputs = f"of the last 5 steps for 3 outputs{' with biases' * readout_bias}"
    assert caplog.text.count(f"the cross-entropy {outputs} has no compiled gradient") == 1
    assert found.parameters.W_o.shape == (3, 3, 3, 5 + readout_bias)
    parameters = initial_parameters(cell, SEEDS, "float64", outputs=3, bias=readout_bias)
    for k, (u, y, _) in zip(
        range(6), batches(task, SEEDS, T=12, n=4, batch=8, sequences=sequences)(range(6)), strict=True
    ):
        loss, gradient = loss_and_gradient(cell, parameters, u, y, task.loss)
        np.testing.assert_allclose(found.loss[:, k], loss, rtol=1e-12)  # other arrays may add in another order
        parameters = Parameters(*(p - 0.05 * g for p, g in zip(parameters, gradient, strict=True)))
    u, y, _ = ensemble_batch(task, SEEDS, "probe", 0, T=12, n=4, batch=5)
    held, _ = loss_and_gradient(cell, parameters, u, y, task.loss)
    np.testing.assert_allclose(found.records["probe_loss"][:, -1], held, rtol=1e-11)


def test_copy_is_learned():
    """Without a delay to bridge, a few hundred updates bring the cross-entropy from log 3 to a tenth."""
    cell, task = small_cell("multi", units=16, inputs=4), Copy(length=1)
    protocol = {"T": 3, "batch": 16, "updates": 300, "checkpoints": [300]}
    loss = train(cell, make_optimizer("adam"), lambda k: 1e-2, task, SEEDS, **protocol).loss
    assert np.abs(loss[:, 0] - np.log(3)).max() < 0.3 and loss[:, -20:].mean() < 0.1


def test_other_arrays_train_the_same(cell, device):
    """Matrix products may add in another order on another namespace: agreement to rounding over six updates."""
    here, there = run(cell), run(cell, device=device)
    for a, b in zip(there.parameters, here.parameters, strict=True):
        np.testing.assert_allclose(a, b, rtol=1e-11, atol=1e-13)


def test_training_lowers_the_loss():
    losses = run(small_cell("multi", units=16), "adam", rate=1e-2, updates=150, checkpoints=[150]).loss
    assert losses[:, -20:].mean() < 0.7 * losses[:, :5].mean()


def test_cells_share_the_initial_weights_that_they_share():
    multi, scalar = (
        {**cell.unpack(p.W), "W_o": p.W_o}
        for cell in (small_cell("multi"), small_cell("scalar"))
        for p in [initial_parameters(cell, SEEDS, "float64")]
    )
    for name in ("W_r", "W_i", "W_o"):
        np.testing.assert_array_equal(multi[name], scalar[name])


def test_initial_weights_fill_their_range():
    """U(-1/sqrt(fan_in), 1/sqrt(fan_in)) has variance 1/(3 fan_in): to five standard errors."""
    cell = small_cell("multi", units=60, inputs=9)
    weights = cell.unpack(initial_parameters(cell, SEEDS, "float64").W)
    for name, fan_in in (("W_r", 60), ("V_r", 60), ("W_i", 9), ("V_i", 9)):
        w = weights[name]
        assert np.abs(w).max() <= fan_in**-0.5
        assert abs(3 * fan_in * w.var() - 1) < 5 * np.sqrt(0.8 / w.size)  # var of u^2 over its mean squared: 4/5


def test_divergence_is_named_recorded_and_kept_from_the_others(caplog):
    """A rate far too high for one seed of three, found by its own run."""
    cell = small_cell("leaky")
    with caplog.at_level(logging.WARNING):
        found = run(cell, rate=1e200, updates=6)
    assert (found.diverged_at >= 0).all()
    assert "diverged: cell leaky, optimizer sgd, task adding, seed 4, update" in caplog.text
    for p in found.parameters:
        assert np.isfinite(p[0]).all()
        assert np.isnan(p[-1]).all()


def test_a_sound_training_diverges_nowhere(cell):
    assert (run(cell).diverged_at == -1).all()


@pytest.mark.parametrize("optimizer", ["sgd", "adam"])
def test_the_steps_after_the_checkpoints_are_recorded(optimizer):
    """Recomputed from the weights of one update and the next; the last step is not taken, and only finite."""
    cell = small_cell("multi")
    found = run(cell, optimizer, checkpoints=[0, 1, 6])
    delta = flat(cell, Parameters(*(p[1] - p[0] for p in found.parameters)))
    for m, seed in enumerate(SEEDS):
        u, y, _ = ensemble_batch("adding", [seed], "train", 0, T=12, n=cell.inputs, batch=8)
        start = initial_parameters(cell, [seed], "float64")
        g = flat(cell, loss_and_gradient(cell, start, u, y)[1])[0]
        cosine = -delta[m] @ g / np.linalg.norm(delta[m]) / np.linalg.norm(g)
        # The difference of two weights near 0.4 keeps 1e-14 of a step near 0.05.
        assert found.records["update_cosine"][m, 0] == pytest.approx(cosine, rel=1e-9)
    assert all(np.isfinite(values).all() for values in found.records.values())
    assert ("adaptive_step" in found.records) == (optimizer == "adam")


def test_adams_moments_of_the_gradients_met_are_kept_where_each_unit_has_a_gate(cell):
    """v_hat from the gradients written out along the weights of an SGD training, at the fourth update."""
    found = run(cell, checkpoints=[0, 1, 2, 3])
    assert ("adaptive_step_beside" in found.records) == cell.gate_for_each_unit
    if not cell.gate_for_each_unit:
        return
    v = 0.0
    for k in range(4):
        parameters = Parameters(*(p[k] for p in found.parameters))
        u, y, _ = ensemble_batch("adding", SEEDS, "train", k, T=12, n=cell.inputs, batch=8)
        v = 0.999 * v + 0.001 * loss_and_gradient(cell, parameters, u, y)[1].W ** 2
    blocks = [(rows, columns) for name, (rows, columns) in cell.blocks.items() if name.endswith("W_r")]
    inputs = [layer.inputs for layer in cell.layers]
    # Rows of W_r and W_i of each layer, which lie side by side.
    incoming = [
        (v / (1 - 0.999**4))[:, rows, columns.start : columns.stop + n]
        for (rows, columns), n in zip(blocks, inputs, strict=True)
    ]
    expected = np.concatenate([(part**-0.5).mean(axis=2) for part in incoming], axis=1)
    # Gradients agree to rounding, 1e-12 of the larger ones; the mean leans on the smallest ones.
    np.testing.assert_allclose(found.records["adaptive_step_beside"][:, 3], expected, rtol=1e-9)


def test_recording_the_last_step_changes_no_weight_and_no_loss():
    cell = small_cell("multi")
    with_last, without = run(cell, "adam", checkpoints=[0, 6]), run(cell, "adam", checkpoints=[0])
    np.testing.assert_array_equal(with_last.loss, without.loss)
    longer = run(cell, "adam", updates=7, checkpoints=[6])
    for a, b in zip(with_last.parameters, longer.parameters, strict=True):
        np.testing.assert_array_equal(a[1], b[0])
