"""The CUDA kernel of the training gradient, run on a CPU, against its definition; and on a GPU where there is one."""

import cuda_on_cpu
import numpy as np
import pytest
from conftest import ALL_CELLS, make_example, needs_compiler, small_cell
from regimes import CASES
from test_gradient_numba import assert_right_in_regime, assert_same, in_float32

from engine.common import cuda
from engine.network import gradient_cuda
from engine.network.gradient_cuda import (
    SOURCE,
    CudaGradient,
    definitions,
    has_kernel,
    samples_of_a_block,
    shared_bytes,
)
from engine.network.unroll import Parameters, loss_and_gradient

# As in test_gradient_numba.py: rounding of float32, added up over steps, samples and their slices.
ROUNDING = 4e-6
# The b_h of a GRU has no place there, nor have layers.
IN_GATES = {cell.name for cell in gradient_cuda.GATES}
ON_KERNEL = [name for name in ALL_CELLS if name.split()[0] in IN_GATES and name != "gru with biases"]

MAIN = r"""
int main() {
    const int T = 4, members = 2, slices = 2, batch = slices * B, parts = slices * members;
    auto W = some<float>(members * W_ROWS * COLUMNS), W_o = some<float>(members * H);
    auto u = some<float>(T * members * N * batch), y = some<float>(members * batch);
    auto z = some<float>(T * parts * COLUMNS * B), p = some<float>(T * parts * KEPT * B);
    auto loss = some<float>(parts), dW = some<float>(parts * W_ROWS * COLUMNS), dW_o = some<float>(parts * H);
    launch(slices, members, BYTES, W.data(), W_o.data(), u.data(), y.data(), T, batch, 0.8f, z.data(), p.data(),
           loss.data(), dW.data(), dW_o.data());
}
"""


def fewer_threads(monkeypatch, threads):
    """A block's, than on a GPU."""
    monkeypatch.setattr(gradient_cuda, "threads_of_a_block", lambda cell: threads)


def exactly(cell, parameters, u, y):
    exact = [x.astype("float64") for x in (*parameters, u, y)]
    return loss_and_gradient(cell, Parameters(*exact[:2]), *exact[2:])


@pytest.mark.parametrize(("batch", "units", "inputs", "threads"), [(8, 8, 3, 8), (12, 4, 1, 6), (32, 20, 4, 32)])
@pytest.mark.parametrize("name", ON_KERNEL)
def test_kernel_equals_the_definition_in_float64(kernels_on_cpu, monkeypatch, name, batch, units, inputs, threads):
    """One to three slices of 8, 4 and 16 samples; sizes that fill their last tiles and such that do not."""
    cell = small_cell(name, units, inputs)
    example = in_float32(*make_example(cell, batch=batch, gain=1.5))
    fewer_threads(monkeypatch, threads)
    function = CudaGradient(cell, example[0], T=len(example[1]), batch=batch)
    for part in (function.z, function.p, function.loss, function.dW, function.dW_o):
        part[:] = np.nan
    assert_same(function(*example), exactly(cell, *example), ROUNDING)
    for part in (function.z, function.p):
        assert np.isfinite(part).all(), "what the way back needs is written whole"


@pytest.mark.parametrize("name", ON_KERNEL)
def test_gradient_of_each_weight_in_every_regime(kernels_on_cpu, monkeypatch, name):
    fewer_threads(monkeypatch, 8)
    for regime in [regime for other, regime in CASES if other == name]:
        assert_right_in_regime(on_kernel, name, regime)


def on_kernel(cell, parameters, u, y):
    return CudaGradient(cell, parameters, T=len(u), batch=y.shape[1])(parameters, u, y)


def test_results_are_not_overwritten_by_the_next_call(kernels_on_cpu, monkeypatch):
    cell = small_cell("multi", 8)
    first, second = (in_float32(*make_example(cell, batch=8, gain=gain)) for gain in (1.5, 0.7))
    fewer_threads(monkeypatch, 8)
    function = CudaGradient(cell, first[0], T=len(first[1]), batch=8)
    _, kept = function(*first)
    before = [g.copy() for g in kept]
    function(*second)
    for a, b in zip(kept, before, strict=True):
        np.testing.assert_array_equal(a, b)


def test_what_is_not_finite_stays_so(kernels_on_cpu, monkeypatch):
    cell = small_cell("scalar", 8)
    parameters, u, y = in_float32(*make_example(cell, batch=8))
    parameters.W[1, 0, 0] = np.nan
    fewer_threads(monkeypatch, 8)
    loss, gradient = CudaGradient(cell, parameters, T=len(u), batch=8)(parameters, u, y)
    assert np.isnan(loss[1]) and np.isnan(gradient.W[1]).any()
    assert np.isfinite(loss[0]) and np.isfinite(gradient.W[0]).all()


@needs_compiler
@pytest.mark.parametrize("name", ["leaky", "scalar", "multi", "gru", "lstm"])
def test_no_thread_reads_what_another_may_be_writing(tmp_path, name):
    cell = small_cell(name, 8)
    main = MAIN.replace("BYTES", str(shared_bytes(cell, 4, 6)))
    cuda_on_cpu.assert_no_race(tmp_path, "gradient", definitions(cell, 4, 6) + SOURCE, main)


def test_who_has_a_kernel(monkeypatch):
    monkeypatch.setattr(cuda, "most_shared_bytes", lambda: 227 * 1024)
    assert all(has_kernel(small_cell(name, 64, 6), 64) for name in IN_GATES)
    assert has_kernel(small_cell("multi", 128, 6), 64)
    assert not has_kernel(small_cell("multi", 256, 6), 64), "the weights do not fit"
    assert not has_kernel(small_cell("multi", 66, 6), 64), "rows come in fours"
    assert not has_kernel(small_cell("multi", 64, 6), 63), "samples come in fours"
    assert not any(has_kernel(small_cell(name, 64, 6), 64) for name in ("gru with biases", "leaky with relu"))
    monkeypatch.setattr(cuda, "most_shared_bytes", lambda: 99 * 1024)
    small = {name for name in IN_GATES if has_kernel(small_cell(name, 64, 6), 64)}
    assert small == {"plain", "leaky", "scalar", "multi"}, "on a smaller device"


def test_blocks_share_a_batch_evenly():
    """With no rest, or not at all."""
    assert [samples_of_a_block(batch) for batch in (64, 24, 20)] == [16, 8, 4]
    for batch in range(1, 100):
        B = samples_of_a_block(batch)
        assert B is None if batch % 4 else batch % B == 0 and B % 4 == 0
