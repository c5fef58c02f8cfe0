"""[DATA.held]: the loss on sequences that no update has seen."""

import numpy as np
import pytest
from conftest import small_cell

from engine.network.unroll import Parameters, loss_and_gradient
from engine.optimizers import make_optimizer
from engine.tasks.batches import ensemble_batch
from engine.training.train import train

SEEDS = [4, 9]
PROTOCOL = {"T": 6, "batch": 4, "updates": 6, "checkpoints": [0, 3, 6], "probe_batch": 9}


def run(cell, optimizer="sgd", rate=0.05, **changes):
    return train(cell, make_optimizer(optimizer), lambda k: rate, "adding", SEEDS, **PROTOCOL | changes)


def test_it_is_the_loss_of_the_probe_batch_at_every_checkpoint(cell, device):
    """In float64 whatever the training's dtype; a sum may be taken in another order: rounding of 9 numbers."""
    found = run(cell, device=device)
    u, y, _ = ensemble_batch("adding", SEEDS, "probe", 0, T=6, n=cell.inputs, batch=9)
    assert found.records["probe_loss"].shape == (2, 3)
    for i in range(3):
        parameters = Parameters(*(p[i].astype(np.float64) for p in found.parameters))
        expected, _ = loss_and_gradient(cell, parameters, u, y)
        np.testing.assert_allclose(found.records["probe_loss"][:, i], expected, rtol=1e-13)


def test_it_changes_nothing_and_is_left_out_where_it_is_not_asked_for():
    cell = small_cell("multi")
    with_probe, without = run(cell), run(cell, probe_batch=None)
    np.testing.assert_array_equal(with_probe.loss, without.loss)
    assert with_probe.records.keys() - without.records.keys() == {"probe_loss"}


def test_it_is_unknown_from_the_divergence_on():
    found = run(small_cell("leaky"), rate=1e200, dtype="float64")
    assert np.isfinite(found.records["probe_loss"][:, 0]).all()
    assert np.isnan(found.records["probe_loss"][:, 1:]).all()


@pytest.mark.parametrize("sequences", [8, None])
def test_memorising_shows(sequences):
    """Eight sequences are learnt by heart (loss 7e-15 here), of no use for others (0.35); fresh ones are not."""
    cell = small_cell("plain", units=16, inputs=2)
    protocol = {"batch": 8, "updates": 600, "checkpoints": [0, 600], "probe_batch": 200, "sequences": sequences}
    found = run(cell, "adam", rate=1e-2, **protocol)
    trained, held = found.loss[:, -20:].mean(axis=1), found.records["probe_loss"][:, -1]
    if sequences == 8:
        assert (trained < 1e-6).all() and (held > 0.1).all()
    else:
        assert (held < 2 * trained).all() and (held < 0.1).all()
