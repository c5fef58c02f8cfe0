"""Each update rule against its published algorithm in 40 digits, number by number; schedules against written values."""

import math

import mpmath as mp
import numpy as np
import pytest

from engine.common.backend import to_host
from engine.optimizers import OPTIMIZERS, make_optimizer
from engine.optimizers.schedules import SCHEDULES, make_schedule

UPDATES = 80


def rates(k):
    """A learning rate that changes at every update."""
    return 0.01 / (1 + k / 10)


def gradients():
    """(UPDATES, 2, 3, 4): sparse, tiny, huge, constant and changing sign, side by side."""
    g = np.random.default_rng(3).normal(size=(UPDATES, 2, 3, 4))
    g[:, 0, 0] *= np.random.default_rng(4).random((UPDATES, 4)) < 0.1  # zero in nine updates of ten
    g[:, 0, 1] *= 1e-12  # around eps = 1e-8 or far below it
    g[:, 0, 2] *= 1e9
    g[:, 1, 0] = 0.3
    g[:, 1, 1] *= np.logspace(-30, 10, UPDATES)[:, None]
    g[:, 1, 2, 0] = 0  # never a gradient
    return g


def sgd_reference(g, beta=None):
    return [-mp.mpf(rates(k)) * g_k for k, g_k in enumerate(g)]


def momentum_reference(g, beta=0.9):
    """The velocity as the sum that its recursion stands for: sum_j beta^(k-j) g_j."""
    beta = mp.mpf(beta)
    return [-mp.mpf(rates(k)) * mp.fsum(beta ** (k - j) * g[j] for j in range(k + 1)) for k in range(len(g))]


def rmsprop_reference(g, rho=0.99, eps=1e-8):
    rho, eps, v, steps = mp.mpf(rho), mp.mpf(eps), mp.mpf(0), []
    for k, g_k in enumerate(g):
        v = rho * v + (1 - rho) * g_k**2
        steps.append(-mp.mpf(rates(k)) * g_k / (mp.sqrt(v) + eps))
    return steps


def adam_reference(g, beta1=0.9, beta2=0.999, eps=1e-8):
    """Algorithm 1 of Kingma and Ba (2015), line by line, with t = 1, 2, ..."""
    beta1, beta2, eps = mp.mpf(beta1), mp.mpf(beta2), mp.mpf(eps)
    m = v = mp.mpf(0)
    steps = []
    for t, g_t in enumerate(g, start=1):
        m = beta1 * m + (1 - beta1) * g_t
        v = beta2 * v + (1 - beta2) * g_t**2
        m_hat = m / (1 - beta1**t)
        v_hat = v / (1 - beta2**t)
        steps.append(-mp.mpf(rates(t - 1)) * m_hat / (mp.sqrt(v_hat) + eps))
    return steps


REFERENCES = {
    "sgd": sgd_reference,
    "momentum": momentum_reference,
    "rmsprop": rmsprop_reference,
    "adam": adam_reference,
    "adamw": adam_reference,
}


def run(rule, g):
    """The steps of all updates, stacked."""
    state = rule.start(g[0, ...])
    return np.stack([rule.step([g[k, ...]], [0 * g[k, ...]], [state], rates(k), k)[0] for k in range(UPDATES)])


@pytest.mark.parametrize("name", REFERENCES)
@pytest.mark.parametrize(
    "dtype, tolerance",
    # float64: 80 updates of a moment lose a few 1e-16 each, and a sum of both signs may cancel two digits of it;
    # the correction 1 - beta2^t loses another factor 1 / (1 - beta2) / t = 1000 / t at first. float32 alike, from 6e-8.
    [("float64", 1e-13), ("float32", 3e-5)],
)
def test_rule_equals_its_definition(name, dtype, tolerance):
    g = gradients().astype(dtype)
    found = run(make_optimizer(name), g)
    assert found.dtype == dtype
    with mp.workdps(40):
        for place in np.ndindex(g.shape[1:]):
            series = [mp.mpf(float(x)) for x in g[(slice(None), *place)]]
            reference = REFERENCES[name](series)
            # A momentum may pass through zero, where its error stays that of the sum's largest term so far.
            largest = np.maximum.accumulate(np.abs(np.array(reference, dtype=float)))
            error = np.abs(found[(slice(None), *place)] - np.array(reference, dtype=float))
            # where the square of a gradient is below the range of float32, sqrt(v) is 0 instead of something << eps
            assert (error <= tolerance * largest).all(), (place, (error / largest).max())


@pytest.mark.parametrize("name", REFERENCES)
def test_options_reach_the_rule(name):
    options = {"momentum": {"beta": 0.5}, "rmsprop": {"rho": 0.7, "eps": 1e-3}}
    options["adam"] = {"beta1": 0.6, "beta2": 0.8, "eps": 1e-2}
    chosen = options.get(name, {})
    g = np.random.default_rng(8).normal(size=(UPDATES, 1))
    with mp.workdps(40):
        reference = REFERENCES[name]([mp.mpf(x) for x in g[:, 0]], **chosen)
    # all of order one, no cancellation but in the momentum: 1e-15 of rounding in each of 80 updates
    np.testing.assert_allclose(
        run(make_optimizer(name, **chosen), g)[:, 0], np.array(reference, float), rtol=1e-12, atol=1e-15
    )


def test_adam_on_a_constant_gradient_steps_by_the_rate():
    """Closed form: m_hat = g and v_hat = g^2 exactly, from the first update on, at any size of g."""
    g = np.array([3.0, -1e-3, 1e-8, 1e-20])
    found = run(make_optimizer("adam"), np.broadcast_to(g, (UPDATES, 4)))
    expected = [-rates(k) * g / (np.abs(g) + 1e-8) for k in range(UPDATES)]
    # 1 - beta2^t is known to 1e-16 of beta2^t, which is 1e-13 of it at the first updates; halved by the root
    np.testing.assert_allclose(found, expected, rtol=1e-12)


@pytest.mark.parametrize("name", OPTIMIZERS)
def test_zero_gradients_move_nothing(name):
    assert not run(make_optimizer(name), np.zeros((UPDATES, 5))).any()


@pytest.mark.parametrize("name", OPTIMIZERS)
def test_members_and_weights_never_meet(name):
    g = gradients()
    together = run(make_optimizer(name), g)
    np.testing.assert_array_equal(run(make_optimizer(name), g[:, :1, 1:2]), together[:, :1, 1:2])


@pytest.mark.parametrize("name", OPTIMIZERS)
def test_rule_leaves_the_gradient_as_it_was_and_starts_anew(name):
    g = gradients()
    kept = g.copy()
    first, second = run(make_optimizer(name), g), run(make_optimizer(name), g)
    np.testing.assert_array_equal(g, kept)
    np.testing.assert_array_equal(first, second)


@pytest.mark.parametrize("name", OPTIMIZERS)
def test_every_array_library_gives_the_same(name, place):
    g = gradients()
    rule, there = make_optimizer(name), place(g)
    state = rule.start(there[0, ...])
    for k, expected in enumerate(run(rule, g)):
        (step,) = rule.step([there[k, ...]], [0 * there[k, ...]], [state], rates(k), k)
        np.testing.assert_allclose(to_host(step), expected, rtol=1e-15)  # the same operations


@pytest.mark.parametrize(
    "name, options, K, expected",
    [
        ("constant", {}, 7, [1] * 7),
        ("step", {"factor": 0.5, "every": 0.25}, 8, [1, 1, 0.5, 0.5, 0.25, 0.25, 0.125, 0.125]),
        ("step", {}, 5, [1, 1, 0.1, 0.1, 0.01]),  # half of 5 updates is rounded to 2
        ("exponential", {"final": 1 / 16}, 4, [1, 1 / 2, 1 / 4, 1 / 8]),
        ("cosine", {}, 4, [1, (2 + math.sqrt(2)) / 4, 1 / 2, (2 - math.sqrt(2)) / 4]),
        ("cosine", {"final": 0.2}, 2, [1, 0.6]),
        ("warmup", {"fraction": 0.4}, 10, [0.25, 0.5, 0.75] + [1] * 7),
        ("warmup", {"fraction": 0}, 3, [1, 1, 1]),
    ],
)
def test_schedules_by_hand(name, options, K, expected):
    factor = make_schedule(K, name, **options)
    assert [factor(k) for k in range(K)] == pytest.approx(expected, rel=1e-15)


def test_a_step_falls_on_the_update_that_was_asked_for():
    for hundredths in range(1, 101):  # 0.07 * 100 = 7.000000000000001 must not delay it
        factor = make_schedule(100, "step", every=hundredths / 100, factor=0.5)
        assert [factor(k) for k in range(100)] == [0.5 ** (k // hundredths) for k in range(100)]


@pytest.mark.parametrize("name", SCHEDULES)
def test_schedules_are_factors_even_of_a_single_update(name):
    for K in (1, 2, 1200):
        factors = [make_schedule(K, name)(k) for k in range(K)]
        assert all(0 < f <= 1 for f in factors) and max(factors) == 1


@pytest.mark.parametrize(
    "make, message",
    [
        (lambda: make_optimizer("adamm"), "unknown optimizer 'adamm', did you mean 'adam'"),
        (
            lambda: make_optimizer("adam", beta_1=0.9),
            "unknown option of optimizer adam: 'beta_1', did you mean 'beta1'",
        ),
        (lambda: make_optimizer("sgd", beta=0.9), "unknown option of optimizer sgd: 'beta'"),
        (lambda: make_optimizer("adam", beta2=1), "optimizer adam: beta2 = 1, allowed is 0 <= beta2 < 1"),
        (lambda: make_optimizer("momentum", beta=-0.1), "optimizer momentum: beta = -0.1, allowed is 0 <= beta < 1"),
        (lambda: make_optimizer("rmsprop", eps=0), "optimizer rmsprop: eps = 0, allowed is 0 < eps < 1"),
        (lambda: make_optimizer("rmsprop", rho=float("nan")), "optimizer rmsprop: rho = nan, allowed is"),
        (lambda: make_optimizer("sgd", clip=0), "optimizer sgd: clip = 0, allowed is 0 < clip <= inf"),
        (
            lambda: make_optimizer("adamw", weight_decay=-1),
            "optimizer adamw: weight_decay = -1, allowed is 0 <= weight_decay < inf",
        ),
        (lambda: make_optimizer("adam", eps="1e-8"), "optimizer adam: eps = '1e-8' is not a number"),
        (lambda: make_schedule(9, "cosin"), "unknown schedule 'cosin', did you mean 'cosine'"),
        (lambda: make_schedule(9, "step", evry=0.5), "unknown option of schedule step: 'evry', did you mean 'every'"),
        (lambda: make_schedule(9, "step", every=0)(0), "schedule step: every = 0, allowed is 0 < every <= 1"),
        (lambda: make_schedule(9, "step", factor=2)(0), "schedule step: factor = 2, allowed is 0 < factor <= 1"),
        (
            lambda: make_schedule(9, "exponential", final=0)(0),
            "schedule exponential: final = 0, allowed is 0 < final <= 1",
        ),
        (lambda: make_schedule(9, "cosine", final=-1)(0), "schedule cosine: final = -1, allowed is 0 <= final <= 1"),
        (
            lambda: make_schedule(9, "warmup", fraction=2)(0),
            "schedule warmup: fraction = 2, allowed is 0 <= fraction <= 1",
        ),
    ],
)
def test_a_mistake_is_said_in_words(make, message):
    with pytest.raises((ValueError, TypeError)) as error:
        make()
    assert message in str(error.value)
