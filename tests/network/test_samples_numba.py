"""The compiled form of the gradients of samples against its definition, and its functions in more digits."""

import mpmath
import numpy as np
import pytest
from conftest import ALL_CELLS, make_example, small_cell

from engine.network import samples, samples_numba, unroll
from engine.network.unroll import SQUARED_ERROR, Parameters

COMPILED = [name for name in ALL_CELLS if type(small_cell(name)) in samples_numba.KINDS]


@pytest.mark.parametrize("gain", [0.1, 1.5, 30])
@pytest.mark.parametrize("name", COMPILED)
def test_gradients_are_those_of_the_definition(name, gain):
    cell = small_cell(name)
    example = make_example(cell, gain=gain)
    assert samples_numba.has_kernel(cell, example[0].W, SQUARED_ERROR)
    found, expected = (f.per_sample_gradients(cell, *example) for f in (samples, unroll))
    for here, there in zip(found, expected, strict=True):
        # Sums in another order over T = 7 steps; entries of either sign cancel, so against the largest of the sample.
        largest = np.abs(there).max(axis=(2, 3), keepdims=True)
        assert (np.abs(here - there) <= 1e-13 * largest).all()


def test_gradients_with_a_bias_of_the_readout_and_two_outputs():
    cell = small_cell("multi")
    (W, _), u, y = make_example(cell)
    parameters = Parameters(W, np.random.default_rng(1).normal(size=(3, 2, cell.units + 1)))
    y = np.stack([y, -y], axis=1)[:, None]
    found, expected = (f.per_sample_gradients(cell, parameters, u, y) for f in (samples, unroll))
    for here, there in zip(found, expected, strict=True):
        np.testing.assert_allclose(here, there, rtol=0, atol=1e-13 * np.abs(there).max())


def test_functions_keep_full_relative_accuracy():
    for a in (*np.linspace(-40, 40, 401), 1e-12, -1e-7, 340.0):
        phi, slope = samples_numba.tanh_and_slope(a)
        g, retained = samples_numba.gate(a)
        with mpmath.workdps(40):
            x = mpmath.mpf(float(a))
            exact = (mpmath.tanh(x), mpmath.sech(x) ** 2, 1 / (1 + mpmath.exp(-x)), 1 / (1 + mpmath.exp(x)))
        # some roundings of 1.1e-16 each
        np.testing.assert_allclose([phi, slope, g, retained], [float(value) for value in exact], rtol=2e-15)
