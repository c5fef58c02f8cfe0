"""[RULE.clip], [RULE.decay] and [RULE.adamw], which every rule has: along a path of W and W_o, in 40 digits."""

import mpmath as mp
import numpy as np
import pytest
from test_optimizers import REFERENCES, rates

from engine.common.backend import to_host
from engine.optimizers import OPTIMIZERS, make_optimizer
from engine.optimizers.adam_beside import AdamBeside

UPDATES, CLIP, DECAY = 6, 2.0, 0.3


def example():
    """Weights W, W_o of three members, and their gradients at each update; those of the last member are never cut."""
    rng = np.random.default_rng(5)
    theta = [rng.normal(size=(3, 4, 2)), rng.normal(size=(3, 1, 2))]
    size = np.array([10.0, 1.0, 0.01])[:, None, None]
    return theta, [[size * rng.normal(size=p.shape) for p in theta] for _ in range(UPDATES)]


def path(rule, theta, history):
    """The weights after each update, flat (update, member, weight)."""
    theta = [p + 0 for p in theta]
    states, found = [rule.start(p) for p in theta], []
    for k, gradient in enumerate(history):
        theta = [p + d for p, d in zip(theta, rule.step(gradient, theta, states, rates(k), k), strict=True)]
        found.append(flat([to_host(p) for p in theta]))
    return np.array(found)


def flat(arrays):
    return np.concatenate([x.reshape(len(x), -1) for x in arrays], axis=1)


def path_in_digits(name, theta, history, clip, decay):
    """The same of one member, by the definition: each step is the last one of all gradients so far."""
    theta, used, found = [mp.mpf(p) for p in theta], [], []
    for k, gradient in enumerate(history):
        gradient = [mp.mpf(g) for g in gradient]
        scale = min(mp.mpf(1), clip / mp.sqrt(mp.fsum(g**2 for g in gradient)))
        coupled = 0 if name == "adamw" else decay
        used.append([scale * g + coupled * p for g, p in zip(gradient, theta, strict=True)])
        steps = [REFERENCES[name](list(series))[-1] for series in zip(*used, strict=True)]
        beside = mp.mpf(rates(k)) * (decay - coupled)
        theta = [p + d - beside * p for p, d in zip(theta, steps, strict=True)]
        found.append(np.array(theta, float))
    return np.array(found)


@pytest.mark.parametrize("name", REFERENCES)
@pytest.mark.parametrize("clip, decay", [(CLIP, 0.0), (np.inf, DECAY), (CLIP, DECAY)])
def test_a_path_equals_its_definition(name, clip, decay):
    theta, history = example()
    found = path(make_optimizer(name, clip=clip, weight_decay=decay), theta, history)
    for m in range(3):
        with mp.workdps(40):
            reference = path_in_digits(name, flat(theta)[m], [flat(g)[m] for g in history], mp.mpf(clip), mp.mpf(decay))
        # Weights of order one, a few 1e-16 of each an update; Adam's first 1 - beta2^t has lost three digits.
        np.testing.assert_allclose(found[:, m], reference, rtol=1e-12, atol=1e-13)


@pytest.mark.parametrize("name", OPTIMIZERS)
def test_a_limit_that_no_gradient_reaches_changes_no_bit(name):
    theta, history = example()
    off = path(make_optimizer(name), theta, history)
    np.testing.assert_array_equal(path(make_optimizer(name, clip=1e6, weight_decay=0), theta, history), off)


@pytest.mark.parametrize("name", OPTIMIZERS)
def test_members_one_by_one_give_the_same_bits(name):
    theta, history = example()
    rule = make_optimizer(name, clip=CLIP, weight_decay=DECAY)
    together = path(rule, theta, history)
    for m in range(3):
        one = slice(m, m + 1)
        alone = path(rule, [p[one] for p in theta], [[g[one] for g in gradient] for gradient in history])
        np.testing.assert_array_equal(alone, together[:, one])


@pytest.mark.parametrize("name", OPTIMIZERS)
def test_every_array_library_gives_the_same(name, place):
    theta, history = example()
    rule = make_optimizer(name, clip=CLIP, weight_decay=DECAY)
    there = path(rule, [place(p) for p in theta], [[place(g) for g in gradient] for gradient in history])
    np.testing.assert_allclose(there, path(rule, theta, history), rtol=1e-15)  # the same operations


@pytest.mark.parametrize("name", OPTIMIZERS)
def test_adam_beside_it_changes_no_bit(name):
    theta, history = example()
    rule = make_optimizer(name, clip=CLIP, weight_decay=DECAY)
    np.testing.assert_array_equal(path(AdamBeside(rule), theta, history), path(rule, theta, history))


def test_a_norm_beyond_the_squares_of_float32_is_cut_to_the_limit():
    g = [np.full((1, 2, 2), 1e30, np.float32), np.zeros((1, 1, 2), np.float32)]
    (step, still) = make_optimizer("sgd", clip=1.0).step(g, g, [(), ()], 1.0, 0)
    np.testing.assert_allclose(step, -0.5, rtol=1e-6)  # four equal entries of norm 1; float32
    assert step.dtype == np.float32 and not still.any()
