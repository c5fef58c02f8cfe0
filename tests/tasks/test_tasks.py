"""Every task: shapes, streams, and targets recomputed from the inputs by their definition."""

import numpy as np
import pytest

from engine.losses.squared_error import SquaredError
from engine.tasks import TASKS, make_task
from engine.tasks.batches import ensemble_batch
from engine.tasks.narma import Narma10

T, N, BATCH = 60, 5, 2000

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
    u, y, redrawn = ensemble_batch(name, [3], "test", 0, T=T, n=N, batch=BATCH)
    np.testing.assert_allclose(y[0], TARGETS[name](u[:, 0]), rtol=1e-12, atol=1e-12)
    assert redrawn == 0


# Mean and variance of each channel, and the range of its values: what theory.md section 7 says of all five.
UNIFORM, HALF, SILENT = (1 / 2, 1 / 12, 0, 1), (1 / 4, 1 / 48, 0, 0.5), (0, 0, 0, 0)
SINE, NORMAL = (0, 1 / 2, -1, 1), (0, 0.01, -1, 1)


def mask(marks):
    return marks / T, marks / T * (1 - marks / T), 0, 1


CHANNELS = {
    "adding": [*[UNIFORM] * 4, mask(2)],
    "recall": [*[UNIFORM] * 4, mask(5)],
    "sinmix": [SINE, SINE, NORMAL, NORMAL, SILENT],
    "short": [*[UNIFORM] * 4, SILENT],
    "movingavg": [UNIFORM, *[SILENT] * 4],
    "delaysum": [UNIFORM, *[SILENT] * 4],
    "ar2": [UNIFORM] * 5,
    "narma10": [HALF, *[SILENT] * 4],
    "narma20": [HALF, *[SILENT] * 4],
}


@pytest.mark.parametrize("name", CHANNELS)
def test_every_channel_has_its_distribution(name):
    """To five standard errors over sequences, which are independent, whatever the steps of one of them are."""
    u = ensemble_batch(name, [3], "test", 0, T=T, n=N, batch=BATCH)[0][:, 0]
    for channel, (mean, variance, low, high) in zip(np.moveaxis(u, 1, 0), CHANNELS[name], strict=True):
        assert channel.min() >= low and channel.max() <= high
        for by_sequence, expected in ((channel.mean(axis=0), mean), (((channel - mean) ** 2).mean(axis=0), variance)):
            error = by_sequence.std() / np.sqrt(BATCH)
            assert abs(by_sequence.mean() - expected) <= 5 * error + 1e-15  # rounding, where all sequences are the same


@pytest.mark.parametrize("name", CHANNELS)
def test_channels_that_are_not_silent_share_nothing(name):
    """At one step, over sequences: correlations of independent numbers stay within five standard errors."""
    u = ensemble_batch(name, [3], "test", 0, T=T, n=N, batch=BATCH)[0][T // 2, 0]
    loud = [channel for channel in u if channel.std() > 0]
    assert len(loud) == sum(variance > 0 for _, variance, *_ in CHANNELS[name]) - (name == "recall")
    np.testing.assert_allclose(np.corrcoef(loud), np.eye(len(loud)), atol=5 / np.sqrt(BATCH))


def test_masks():
    u = ensemble_batch("adding", [1], "test", 0, T=9, n=3, batch=400)[0][:, 0]
    assert set(np.unique(u[:, -1])) == {0, 1}
    early = np.arange(9) < 9 / 2
    assert (u[early, -1].sum(axis=0) == 1).all() and (u[~early, -1].sum(axis=0) == 1).all()
    assert (u[:, -1].sum(axis=1) > 0).all()  # every time is marked at some time
    u = ensemble_batch("recall", [1], "test", 0, T=30, n=3, batch=400)[0][:, 0]
    assert (u[:10, -1].sum(axis=0) == 5).all() and not u[10:, -1].any()
    assert (u[:10, -1].sum(axis=1) > 0).all()
    for task in ("sinmix", "short"):
        assert not ensemble_batch(task, [1], "test", 0, T=30, n=4, batch=9)[0][:, 0, -1].any()


def test_copy_asks_for_what_it_has_shown():
    u, y, _ = make_task("copy").draw(np.random.default_rng(0), T, N, BATCH)
    assert y.shape == (5, 1, BATCH)
    shown = np.eye(N)[y[:, 0].astype(int)].swapaxes(1, 2)
    np.testing.assert_array_equal(u[:5], shown)
    np.testing.assert_array_equal(u[55:], np.eye(N)[[-1] * 5, :, None] * np.ones(BATCH))
    assert not u[5:55].any()
    counts = np.bincount(y.astype(int).ravel(), minlength=3)  # of 10000 symbols, within five standard errors
    assert len(counts) == 3 and np.abs(counts - 10000 / 3).max() < 5 * np.sqrt(10000 * 2 / 9)


def test_sinmix_channels_are_sinusoids_of_one_to_seven_periods():
    u = ensemble_batch("sinmix", [1], "test", 0, T=400, n=4, batch=300)[0][:, 0]
    periods = (np.diff(np.sign(u[:, :2]), axis=0) != 0).sum(axis=0) / 2
    assert np.abs(u[:, :2]).max() <= 1
    assert 0.5 <= periods.min() <= 1 and 6.5 < periods.max() <= 7.5


def test_ar2_has_the_variance_of_its_process():
    """Variance of z_t = 1.6 z_{t-1} - 0.7 z_{t-2} + e: (1 + 0.7) / ((1 - 0.7)((1 + 0.7)^2 - 1.6^2)) var e."""
    y = ensemble_batch("ar2", [1], "test", 0, T=200, n=1, batch=20000)[1]
    expected = 0.05**2 * 1.7 / (0.3 * (1.7**2 - 1.6**2))
    assert abs(y.var() / expected - 1) < 5 * np.sqrt(2 / y.size)
    assert abs(y.mean()) < 5 * np.sqrt(expected / y.size)


@pytest.mark.parametrize("name", ["narma10", "narma20"])
@pytest.mark.parametrize("T", [20, 21, 60])
def test_narma_follows_its_recursion(name, T):
    m, a, b, c, squash = {"narma10": (10, 0.3, 0.05, 0.1, float), "narma20": (20, 0.1, 0.04, 0.2, np.tanh)}[name]
    u, y, _ = make_task(name).draw(np.random.default_rng(0), T, 2, 5)
    for target, v in zip(y, u[:, 0].T.astype(float), strict=True):
        z, v = [0.0] * m, [0.0] * (m - 1) + v.tolist()  # z_{1-m}..z_0, and u from as far back
        for t in range(T):
            z.append(squash(a * z[-1] + b * z[-1] * sum(z[-m:]) + 1.5 * v[t] * v[t + m - 1] + c))
        assert target == pytest.approx(z[-1], rel=1e-12)


@pytest.mark.parametrize("name", ["short", "movingavg", "delaysum", "narma10", "narma20"])
def test_the_shortest_sequence_is_one_whose_first_input_acts(name):
    task = make_task(name)
    u, y, _ = task.draw(np.random.default_rng(0), task.min_length, 2, BATCH)
    assert abs(np.corrcoef(u[0, 0], y)[0, 1]) > 5 / np.sqrt(BATCH)


@pytest.mark.parametrize("name", ["short", "movingavg", "narma10", "narma20"])
def test_the_last_input_acts(name):
    u, y, _ = make_task(name).draw(np.random.default_rng(0), T, 2, BATCH)
    assert abs(np.corrcoef(u[-1, 0], y)[0, 1]) > 5 / np.sqrt(BATCH)


def test_the_bound_of_narma10_divides_paths_that_return_from_those_that_run_away():
    """Without input a window just below the upper fixed point sinks to the lower one, a window just above it grows."""
    task = make_task("narma10")
    for start, returns in ((task.bound - 1e-6, True), (task.bound + 1e-6, False)):
        z = [start] * 10
        for _ in range(300):
            z.append(0.3 * z[-1] + 0.05 * z[-1] * sum(z[-10:]) + 0.1)
            if z[-1] > 100:
                break
        assert (z[-1] == pytest.approx(0.7 - 0.29**0.5)) == returns == (z[-1] < start)


class Loud(np.random.Generator):
    """Its first `count` draws are all at the top of their range, which drives narma10 to infinity."""

    def __init__(self, count):
        super().__init__(np.random.PCG64(0))
        self.count = count

    def random(self, *args, **options):
        self.count -= 1
        drawn = super().random(*args, **options)
        return drawn if self.count < 0 else np.ones_like(drawn)


def test_narma_paths_that_run_away_are_redrawn_and_counted():
    u, y, redrawn = Narma10().draw(Loud(1), 200, 2, 7)
    assert redrawn == 7
    assert (y < Narma10().bound).all() and u[:, 0].max() <= 0.5
    np.testing.assert_array_equal(y, Narma10().path(u[:, 0].astype(float))[0])  # of the inputs that were kept


def test_a_path_that_is_not_to_be_had_ends_in_a_message():
    with pytest.raises(ValueError, match=r"narma10: T = 200 is too long, 100 paths in a row left the bound 1\.2385"):
        Narma10().draw(Loud(10**6), 200, 2, 7)


@pytest.mark.parametrize("name", ["narma10", "narma20"])
def test_narma_targets_stay_where_they_are_in_long_sequences(name):
    """No path is on its way to infinity: the targets of T = 120 and T = 400 have one distribution."""
    short, long = (make_task(name).draw(np.random.default_rng(0), T, 1, BATCH)[1] for T in (120, 400))
    assert long.max() < make_task(name).bound
    error = np.hypot(short.std(), long.std()) / np.sqrt(BATCH)
    assert abs(short.mean() - long.mean()) < 5 * error


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


SMALLEST = {  # T and n
    "adding": (2, 2),
    "recall": (15, 2),
    "sinmix": (4, 3),
    "short": (6, 2),
    "movingavg": (8, 1),
    "delaysum": (37, 1),
    "ar2": (2, 1),
    "narma10": (10, 1),
    "narma20": (20, 1),
    "copy": (10, 4),
}


@pytest.mark.parametrize(("name", "smallest"), SMALLEST.items())
def test_the_smallest_sequence_is_what_the_definition_allows(name, smallest):
    task = make_task(name)
    assert (task.min_length, task.min_channels) == smallest


@pytest.mark.parametrize("name", TASKS)
def test_too_short_or_too_narrow_is_refused(name):
    task = make_task(name)
    T, n = task.min_length, task.min_channels
    task.check(T, n)
    with pytest.raises(ValueError, match=f"task {name}: T = {T - 1} is too small, allowed is {T} or more"):
        task.check(T - 1, n)
    with pytest.raises(ValueError, match=f"task {name}: n = {n - 1} is too small, allowed is {n} or more"):
        task.check(T, n - 1)


def test_an_unknown_task_is_refused():
    with pytest.raises(ValueError, match="unknown task 'addding', did you mean 'adding'"):
        make_task("addding")


@pytest.mark.parametrize("name", TASKS)
def test_the_shortest_sequence_works(name):
    task = make_task(name)
    u, y, redrawn = task.draw(np.random.default_rng(0), task.min_length, task.min_channels, 3)
    one_number = (task.loss, task.outputs) == (SquaredError(), 1)
    shape = (3,) if one_number else (task.loss.steps, task.loss.rows(task.outputs), 3)
    assert u.shape == (task.min_length, task.min_channels, 3) and y.shape == shape
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
