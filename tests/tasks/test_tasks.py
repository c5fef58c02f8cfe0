"""Every task: shapes, streams, and targets recomputed from the inputs by their definition."""

import numpy as np
import pytest

from engine.tasks import TASKS, ensemble_batch, make_task
from engine.tasks.narma import Narma10

T, N, BATCH = 60, 5, 200
NOISY = ["adding", "recall", "sinmix", "short", "movingavg", "delaysum", "ar2", "narma10"]


@pytest.fixture(scope="module", params=NOISY)
def drawn(request):
    return request.param, ensemble_batch(request.param, [3], "test", 0, T=T, n=N, batch=BATCH)[0][:, 0]


TARGETS = {
    "adding": lambda u: (u[:, 0] * u[:, -1]).sum(axis=0),
    "recall": lambda u: (u[:, 0] * u[:, -1]).sum(axis=0),
    "sinmix": lambda u: (
        u[45:, 0].mean(axis=0) - u[:15, 0].mean(axis=0) + u[:15, 1].mean(axis=0) - u[45:, 1].mean(axis=0)
    ),
    "short": lambda u: u[54:, 0].sum(axis=0),
    "movingavg": lambda u: u[52:, 0].mean(axis=0),
    "delaysum": lambda u: (u[55, 0] + u[47, 0] + u[35, 0] + u[23, 0]) / 4,
}


@pytest.mark.parametrize("name", TARGETS)
def test_target_follows_from_the_inputs(name):
    u, y, _ = ensemble_batch(name, [3], "test", 0, T=T, n=N, batch=BATCH)
    np.testing.assert_allclose(y[0], TARGETS[name](u[:, 0]), rtol=1e-12, atol=1e-12)


def test_noise_channels_have_the_stated_distribution(drawn):
    """Channel 1 for all but sinmix is U(0, 1): mean 1/2, variance 1/12, to five standard errors of 12000 numbers."""
    name, u = drawn
    noise, mean, variance = (u[:, 2:-1], 0, 0.01) if name == "sinmix" else (u[:, 1:-1], 1 / 2, 1 / 12)
    assert abs(noise.mean() - mean) < 5 * np.sqrt(variance / noise.size)
    assert abs(noise.var() / variance - 1) < 5 * np.sqrt(2 / noise.size)


def test_masks():
    u = ensemble_batch("adding", [1], "test", 0, T=9, n=3, batch=400)[0][:, 0]
    assert set(np.unique(u[:, -1])) == {0, 1}
    early = np.arange(9) < 9 / 2
    assert (u[early, -1].sum(axis=0) == 1).all() and (u[~early, -1].sum(axis=0) == 1).all()
    assert (u[:, -1].sum(axis=1) > 0).all()  # every time is marked at some time
    u = ensemble_batch("recall", [1], "test", 0, T=30, n=3, batch=400)[0][:, 0]
    assert (u[:10, -1].sum(axis=0) == 5).all() and not u[10:, -1].any()
    for task in ("sinmix", "short"):
        assert not ensemble_batch(task, [1], "test", 0, T=30, n=4, batch=9)[0][:, 0, -1].any()


def test_sinmix_channels_are_sinusoids_of_one_to_seven_periods():
    u = ensemble_batch("sinmix", [1], "test", 0, T=400, n=4, batch=300)[0][:, 0]
    periods = (np.diff(np.sign(u[:, :2]), axis=0) != 0).sum(axis=0) / 2
    assert np.abs(u[:, :2]).max() <= 1
    assert periods.min() >= 0.5 and periods.max() <= 7.5 and periods.max() > 6.5


def test_ar2_has_the_variance_of_its_process():
    """Variance of z_t = 1.6 z_{t-1} - 0.7 z_{t-2} + e: (1 + 0.7) / ((1 - 0.7)((1 + 0.7)^2 - 1.6^2)) var e."""
    y = ensemble_batch("ar2", [1], "test", 0, T=200, n=1, batch=20000)[1]
    expected = 0.05**2 * 1.7 / (0.3 * (1.7**2 - 1.6**2))
    assert abs(y.var() / expected - 1) < 5 * np.sqrt(2 / y.size)
    assert abs(y.mean()) < 5 * np.sqrt(expected / y.size)


@pytest.mark.parametrize("name", ["narma10", "narma20"])
def test_narma_follows_its_recursion(name):
    task = make_task(name)
    T = 26 if name == "narma20" else 60  # short enough for narma20 to survive often
    u, y, _ = task.draw(np.random.default_rng(0), T, 2, 5)
    for b in range(5):
        v, z = u[:, 0, b].astype(float), np.zeros(T)
        for t in range(T - 1):
            window = sum(z[t - i] for i in range(task.order) if t - i >= 0)
            old = v[t - task.order + 1] if t - task.order + 1 >= 0 else 0.0
            z[t + 1] = task.a * z[t] + task.b * z[t] * window + 1.5 * old * v[t] + task.c
        np.testing.assert_allclose(y[b], z[-1], rtol=1e-12)
    assert u[:, 0].max() <= 0.5


def test_diverging_narma_paths_are_redrawn_and_counted():
    """A generator whose first inputs are all at the top of their range drives narma10 to infinity."""

    class Loud(np.random.Generator):
        calls = 0

        def random(self, *args, **options):
            drawn = super().random(*args, **options)
            self.calls += 1
            return np.ones_like(drawn) if self.calls == 1 else drawn

    u, y, redrawn = Narma10().draw(Loud(np.random.PCG64(0)), 200, 2, 7)
    assert redrawn >= 7
    assert np.isfinite(y).all() and u[:, 0].max() <= 0.5


def test_batches_are_named_streams():
    def batch(task="adding", seeds=(1, 2), purpose="train", index=0):
        return ensemble_batch(task, seeds, purpose, index, T=20, n=3, batch=4)[0]

    np.testing.assert_array_equal(batch(), batch())
    np.testing.assert_array_equal(batch(seeds=(2,))[:, 0], batch()[:, 1])  # a seed alone is the seed among others
    for other in (batch(index=1), batch(purpose="probe"), batch(seeds=(3, 4)), batch(task="recall")):
        assert not np.array_equal(other, batch())


def test_float32_is_the_same_batch():
    u, y, _ = ensemble_batch("narma10", [1], "train", 0, T=40, n=3, batch=4)
    u32, y32, _ = ensemble_batch("narma10", [1], "train", 0, T=40, n=3, batch=4, dtype="float32")
    np.testing.assert_array_equal(u32.astype(float), u)
    np.testing.assert_array_equal(y32, y.astype("float32"))


def test_too_short_or_too_narrow_is_refused():
    with pytest.raises(ValueError, match="task delaysum: T = 36 is too small, allowed is 37 or more"):
        make_task("delaysum").check(36, 3)
    with pytest.raises(ValueError, match="task adding: n = 1 is too small, allowed is 2 or more"):
        make_task("adding").check(36, 1)
    with pytest.raises(ValueError, match="unknown task 'addding', did you mean 'adding'"):
        make_task("addding")


@pytest.mark.parametrize("name", TASKS)
def test_the_shortest_sequence_works(name):
    task = make_task(name)
    u, y, redrawn = task.draw(np.random.default_rng(0), task.min_length, task.min_channels, 3)
    assert u.shape == (task.min_length, task.min_channels, 3) and y.shape == (3,)
    assert np.isfinite(u).all() and np.isfinite(y).all()
    assert redrawn >= 0


@pytest.mark.parametrize("name", TASKS)
def test_a_batch_follows_from_its_generator_alone_in_any_dtype(name):
    task = make_task(name)
    T, n = task.min_length + 2, task.min_channels + 1
    first, second = (task.draw(np.random.default_rng(4), T, n, 5) for _ in range(2))
    other, *_ = task.draw(np.random.default_rng(5), T, n, 5)
    np.testing.assert_array_equal(first[0], second[0])
    np.testing.assert_array_equal(first[1], second[1])
    assert not np.array_equal(other, first[0])
    assert (first[0].dtype, first[1].dtype) == (np.float32, np.float64)  # float64 holds what float32 does
