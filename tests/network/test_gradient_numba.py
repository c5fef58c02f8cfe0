"""The compiled form of the training gradient against its definition in engine.network.unroll."""

import numpy as np
import pytest
from conftest import ALL_CELLS, OUTPUTS, make_example, on_strict, small_cell, targets
from regimes import CASES, REGIMES, network

from engine.cells import Multi
from engine.common import subnormals
from engine.network.gradient import gradient_function
from engine.network.gradient_numba import NumbaGradient
from engine.network.steps_numba import KERNELS
from engine.network.unroll import SQUARED_ERROR, Parameters, loss_and_gradient

# A float32 holds 6e-8 of a number, and tanh here 3e-7; errors of T = 7 steps and 4 samples add up to some times that,
# measured against the largest entry, since entries of either sign cancel.
ROUNDING = 2e-6


COMPILED = [name for name in ALL_CELLS if type(small_cell(name)) in KERNELS]


@pytest.fixture(params=COMPILED)
def cell(request):
    return small_cell(request.param)


@pytest.mark.parametrize("name", ["leaky with relu", "lstm with hard gates"])
def test_other_functions_than_the_compiled_ones_take_the_plain_form(name):
    parameters, u, y = in_float32(*make_example(small_cell(name)))
    found = gradient_function(small_cell(name), parameters, len(u), y.shape[1])(parameters, u, y)
    expected = loss_and_gradient(small_cell(name), parameters, u, y)
    for a, b in zip([found[0], *found[1]], [expected[0], *expected[1]], strict=True):
        np.testing.assert_array_equal(a, b)


def in_float32(parameters, u, y):
    return Parameters(*(p.astype("float32") for p in parameters)), u.astype("float32"), y.astype("float32")


def fused(cell, parameters, u, y, loss=SQUARED_ERROR):
    return NumbaGradient(cell, len(u), y.shape[-1], loss)(parameters, u, y)


def assert_same(found, expected, rounding=ROUNDING):
    for a, b in zip((found[0], *found[1]), (expected[0], *expected[1]), strict=True):
        assert a.dtype == np.float32
        np.testing.assert_allclose(a, b, rtol=0, atol=rounding * np.abs(b).max())


@pytest.mark.parametrize(("gain", "rounding"), [(0.5, ROUNDING), (1.5, ROUNDING), (8, 3e-5)])
def test_fused_equals_the_definition_in_float64(cell, gain, rounding):
    """From nearly linear to saturated, where 1 - phi^2 loses digits: the definition in float32 is 1.2e-5 off too."""
    example = in_float32(*make_example(cell, gain=gain))
    exact = [x.astype("float64") for x in (*example[0], *example[1:])]
    assert_same(fused(cell, *example), loss_and_gradient(cell, Parameters(*exact[:2]), *exact[2:]), rounding)


def example_of(cell, loss):
    """An example in float32 for a `reading`; the readout has a bias."""
    parameters, u, _ = make_example(cell, outputs=OUTPUTS)
    b_o = np.random.default_rng(1).standard_normal((*parameters.W_o.shape[:2], 1))
    return in_float32(Parameters(parameters.W, np.append(parameters.W_o, b_o, axis=2)), u, targets(loss))


def test_any_loss_equals_the_definition_in_float64(cell, reading):
    example = example_of(cell, reading)
    exact = [x.astype("float64") for x in (*example[0], *example[1:])]
    assert isinstance(gradient_function(cell, example[0], 7, 4, reading), NumbaGradient)
    found = fused(cell, *example, reading)
    assert_same(found, loss_and_gradient(cell, Parameters(*exact[:2]), *exact[2:], reading))
    parameters, u, y = example
    alone = fused(cell, Parameters(*(p[1:2] for p in parameters)), u[:, 1:2], y[1:2], reading)
    for a, b in zip((alone[0], *alone[1]), (found[0], *found[1]), strict=True):
        np.testing.assert_array_equal(a[0], b[1])


def errors_by_weight(cell, found, exact):
    """{name: ||found - exact|| / ||exact||} of gradients of W that float32 holds; a bias is an input's."""
    ours, theirs = (with_biases(cell.unpack(W.astype("float64"))) for W in (found, exact))
    norm, held = np.linalg.norm, [name for name, part in theirs.items() if np.abs(part).max() > np.finfo("f4").tiny]
    return {name: norm(ours[name] - theirs[name]) / norm(theirs[name]) for name in held}


def with_biases(weights):
    """{name: all its numbers}, those of a bias with the weights of the inputs: alone it may be a sum that cancels."""
    joined = {}
    for name, part in weights.items():
        of = f"{name.removesuffix('b') or 'W_'}i" if name.endswith("b") else name
        joined[of] = np.append(joined.get(of, []), part)
    return joined


def in_regime(name, regime, units, batch):
    """A cell, its example in float32, and the gradient of that by W in float64."""
    cell = small_cell(name, units)
    parameters, u, y = example = in_float32(*network(cell, REGIMES[regime], T=7, batch=batch))
    exact = [x.astype("float64") for x in (*parameters, u, y)]
    return cell, example, loss_and_gradient(cell, Parameters(*exact[:2]), *exact[2:])[1].W


def assert_right_in_regime(gradient_of, name, regime, units=12, batch=8):
    """By norm, weight by weight: the gradients of gates have all their digits also where the gates are saturated.

    Not so those of a saturated candidate: 1 - phi^2 is off by up to 6e-7 of the 1 that it is at 0. All its digits would
    cost 4 to 7 % of the time of an update.
    """
    cell, example, exact = in_regime(name, regime, units, batch)
    found = gradient_of(cell, *example)[1].W
    if REGIMES[regime].candidates:
        open_candidates = in_regime(name, "as they start", units, batch)[2]
        assert np.linalg.norm(found - exact) < 3e-5 * np.linalg.norm(open_candidates)
    else:
        # float32 holds a gate's argument of 50 to 2e-6
        assert max(errors_by_weight(cell, found, exact).values()) < 1e-5, regime


@pytest.mark.parametrize(("name", "regime"), [case for case in CASES if case[0] in COMPILED])
def test_gradient_of_each_weight_in_every_regime(name, regime):
    assert_right_in_regime(fused, name, regime)


@pytest.mark.parametrize("regime", ["candidates at 20", "both saturated"])
@pytest.mark.parametrize("name", ["gru", "lstm"])
def test_slopes_of_saturated_candidates_have_all_their_digits(name, regime):
    """By norm. float32 holds the arguments to 2e-6, and a product of several slopes to some times that."""
    cell, example, exact = in_regime(name, regime, units=12, batch=8)
    assert max(errors_by_weight(cell, fused(cell, *example)[1].W, exact).values()) < 2e-5


def test_working_memory_carries_nothing_over(cell):
    first, second = (in_float32(*make_example(cell, gain=gain)) for gain in (1.5, 0.7))
    function = NumbaGradient(cell, T=7, batch=4)
    function(*first)
    for a, b in zip(function(*second)[1], fused(cell, *second)[1], strict=True):
        np.testing.assert_array_equal(a, b)


def test_results_are_not_overwritten_by_the_next_call(cell):
    first, second = (in_float32(*make_example(cell, gain=gain)) for gain in (1.5, 0.7))
    function = NumbaGradient(cell, T=7, batch=4)
    _, kept = function(*first)
    before = [g.copy() for g in kept]
    function(*second)
    for a, b in zip(kept, before, strict=True):
        np.testing.assert_array_equal(a, b)


def test_members_are_the_same_alone_bit_for_bit(cell):
    parameters, u, y = in_float32(*make_example(cell))
    loss, gradient = fused(cell, parameters, u, y)
    for m in range(len(y)):
        alone, own = fused(cell, Parameters(*(p[m : m + 1] for p in parameters)), u[:, m : m + 1], y[m : m + 1])
        assert alone[0] == loss[m]
        for a, b in zip(own, gradient, strict=True):
            np.testing.assert_array_equal(a[0], b[m])


def test_adjoints_that_vanish_leave_the_gradient_of_the_last_steps(cell):
    """Weights so small that lambda passes below the smallest float32 within a few steps."""
    parameters, u, y = in_float32(*make_example(cell, T=40, gain=1e-3))
    parameters.W_o[:] *= 1e3
    assert_same(fused(cell, parameters, u, y), loss_and_gradient(cell, parameters, u, y))


def test_what_is_not_finite_stays_so(cell):
    """Else a training that diverged would look sound."""
    parameters, u, y = in_float32(*make_example(cell))
    parameters.W[1, 0, 0] = np.nan
    parameters.W_o[2] = np.inf
    loss, gradient = fused(cell, parameters, u, y)
    assert np.isfinite(loss).tolist() == [True, False, False]
    assert np.isfinite(gradient.W).all(axis=(1, 2)).tolist() == [True, False, False]


class UsersCell(Multi):
    """A cell that is not in KERNELS."""


@pytest.mark.skipif(not subnormals.X86, reason="only x86 has a register that says so")
@pytest.mark.parametrize("cell", [UsersCell(5, 3), small_cell("gru")])
def test_no_form_has_subnormal_numbers(cell):
    """They take a hundred times as long."""
    parameters, u, y = in_float32(*make_example(cell, gain=1e-20))
    W = gradient_function(cell, parameters, 7, 4)(parameters, u, y)[1].W
    assert (np.abs(W[W != 0]) >= np.finfo("f4").tiny).all()
    W = loss_and_gradient(cell, parameters, u, y)[1].W
    assert (np.abs(W[W != 0]) < np.finfo("f4").tiny).any()


@pytest.mark.parametrize(
    ("cell", "move", "compiled"),
    [
        (small_cell("multi"), lambda x: x.astype("float32"), True),
        (small_cell("multi"), lambda x: x, False),
        (small_cell("multi"), lambda x: on_strict(x.astype("float32")), False),
        (UsersCell(5, 3), lambda x: x.astype("float32"), False),
        (small_cell("leaky with relu"), lambda x: x.astype("float32"), False),
    ],
    ids=["float32", "float64", "strict", "user's cell", "relu"],
)
def test_which_form_is_taken(cell, move, compiled):
    parameters, u, y = make_example(cell)
    parameters = Parameters(*map(move, parameters))
    function = gradient_function(cell, parameters, *u.shape[::3])
    assert isinstance(function, NumbaGradient) == compiled
    loss, gradient = function(parameters, move(u), move(y))
    assert loss.shape == (3,)
    assert [g.shape for g in gradient] == [p.shape for p in parameters]
