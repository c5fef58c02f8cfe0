"""A cell on numbers of 100 digits that know their derivatives: what the engine's float64 is held to.

This module is the library of arrays of such numbers, so that the engine's own `step` runs on them and no formula is
written twice. Derivatives come from the operations of that step, one by one and in reverse: nothing of the engine's
Jacobians or backward passes enters.
"""

import operator
import sys
from itertools import count

import mpmath
import numpy as np

mp = mpmath.mp.clone()
mp.dps = 100  # 1 - tanh(50)^2 = 1e-43 still has more than 50
EPS, TINY = 2.0**-52, 2.0**-1020
order = count()


class Number:
    """A value, and the numbers that it was made of, each with its partial derivative."""

    __slots__ = ("born", "parents", "value")

    def __init__(self, value, *parents):
        self.value, self.parents, self.born = value, parents, next(order)

    def __add__(self, other):
        other = number(other)
        return Number(self.value + other.value, (self, mp.one), (other, mp.one))

    def __mul__(self, other):
        other = number(other)
        return Number(self.value * other.value, (self, other.value), (other, self.value))

    def __truediv__(self, other):
        other = number(other)
        return Number(self.value / other.value, (self, 1 / other.value), (other, -self.value / other.value**2))

    def __neg__(self):
        return -1 * self

    def __sub__(self, other):
        return self + -number(other)

    def __rsub__(self, other):
        return number(other) + -self

    def __rtruediv__(self, other):
        return number(other) / self

    __radd__, __rmul__ = __add__, __mul__


def number(x):
    return x if isinstance(x, Number) else Number(mp.mpf(x))


for name in ("lt", "le", "gt", "ge"):
    compare = getattr(operator, name)
    setattr(Number, f"__{name}__", lambda self, other, compare=compare: compare(self.value, number(other).value))


class Digits(np.ndarray):
    """An array of Numbers."""

    __array_priority__ = 1  # so that joined ones are of this kind, too

    def __array_namespace__(self, api_version=None):
        return sys.modules[__name__]


def numbers(x):
    return np.asarray(np.frompyfunc(number, 1, 1)(x)).view(Digits)


def values(x):
    """As an array of mpmath's numbers."""
    return np.asarray(np.frompyfunc(lambda one: number(one).value, 1, 1)(x))


def derivatives(y, *arrays):
    """dy/dx of a Number y, for each x of some arrays of Numbers."""
    y = np.asarray(y).item()
    reached, todo = {y}, [y]
    while todo:
        for parent, _ in todo.pop().parents:
            if parent not in reached:
                reached.add(parent)
                todo.append(parent)
    total = dict.fromkeys(reached, mp.zero) | {y: mp.one}
    for made in sorted(reached, key=lambda one: -one.born):
        if total[made]:
            for parent, slope in made.parents:
                total[parent] += total[made] if slope is mp.one else total[made] * slope
    found = np.frompyfunc(lambda one: total.get(one, mp.zero), 1, 1)
    return [np.asarray(found(x)) for x in arrays]


def elementwise(f, slope):
    """A function of arrays from one of mpmath's numbers and its derivative."""
    return np.frompyfunc(lambda x: Number(f(number(x).value), (number(x), slope(number(x).value))), 1, 1)


exp = elementwise(mp.exp, mp.exp)
log = elementwise(lambda x: mp.log(x) if x else -mp.inf, lambda x: 1 / x if x else mp.inf)
log1p = elementwise(lambda x: mp.log(1 + x), lambda x: 1 / (1 + x))
tanh = elementwise(mp.tanh, lambda x: 1 - mp.tanh(x) ** 2)
cosh = elementwise(mp.cosh, mp.sinh)


def logaddexp(x, y):
    return log(exp(x) + exp(y))


def __getattr__(name):
    return getattr(np, name)


def exact(x):
    """As numbers, as they are."""
    return numbers(x)


def shaken(seed):
    """As numbers, each moved by half a rounding of float64 to a whole one, up or down."""
    rng = np.random.default_rng(seed)

    def rounded(x):
        moved = EPS * rng.choice([-1, 1], np.shape(x)) * rng.uniform(0.5, 1, np.shape(x))
        return numbers(x) * (1 + numbers(moved))  # added as numbers: a float64 next to 1 has no such digits

    return rounded


def truth_and_reach(reference):
    """The arrays of `reference(rounded)`, and by how much each of their entries may be off.

    `rounded` takes whatever float64 would round, inputs and states, and gives it as numbers. What float64 finds is
    right if it lies as near to the truth as a reference does whose every input and state was rounded once more.
    """
    truth = [values(x) for x in reference(exact)]
    others = [[values(x) for x in reference(shaken(seed))] for seed in range(4)]
    spread = [np.max([distance(x, other[i]) for other in others], axis=0) for i, x in enumerate(truth)]
    # 8 times: what sums of some tens of rounded terms may be off (up to 3.3 was measured); below TINY a float64 has not
    # all its digits.
    return [(x, 8 * (EPS * np.abs(x) + reach) + TINY) for x, reach in zip(truth, spread, strict=True)]


distance = np.frompyfunc(lambda x, y: mp.zero if x == y else abs(x - y), 2, 1)  # infinity is exact, too


def assert_exact(found, expected):
    """That arrays of float64 are what `truth_and_reach` allows."""
    for i, (x, (truth, reach)) in enumerate(zip(found, expected, strict=True)):
        assert x.shape == truth.shape
        off = distance(values(x), truth) > np.where(np.isfinite(x), reach, mp.zero)
        assert not off.any(), f"{i}: {x[off][:3]} should be {[mp.nstr(v, 17) for v in truth[off][:3]]}"


def gradients_of_each_step(cell, parameters, u, y, rounded=exact):
    """What enters dL/dW at each step t = 1..T, (T, member, row, H + n), each step having weights of its own."""
    W, W_o = rounded(parameters.W), rounded(parameters.W_o)
    weights = [1 * W for _ in u]
    x = exact(np.zeros((len(W), cell.state_size, y.shape[1])))
    one = exact(np.ones((len(W), int(cell.bias), y.shape[1])))
    for W_t, u_t in zip(weights, rounded(u), strict=True):
        x = rounded(cell.step(W_t, np.concat([x, u_t, one], axis=1))[0])
    error = (W_o @ x[:, cell.output])[:, 0] - y
    return derivatives((error * error).mean(axis=1).sum(), np.stack(weights))[0]
