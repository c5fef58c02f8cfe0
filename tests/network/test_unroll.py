"""Backpropagation through time against explicit Jacobian products and an independent automatic differentiator."""

import autograd
import autograd.numpy as anp
import numpy as np
import pytest
from conftest import ALL_CELLS, OUTPUTS, READINGS, make_example, small_cell, targets

from engine.common.backend import to_host
from engine.losses.squared_error import SquaredError
from engine.network.unroll import (
    Parameters,
    forward,
    jacobians,
    lag_gradients,
    loss_and_error,
    loss_and_gradient,
    per_sample_gradients,
    weight_gradient,
)

# Sums over T = 7 steps of products of order one: rounding within some hundreds of 2.2e-16.
ROUNDING = {"rtol": 1e-12, "atol": 1e-13}


# Reference steps for autograd, written from docs/theory.md, and from PyTorch's manual for GRU and LSTM, for one member:
# x (state, batch), u (n, batch).
def sigma(s):
    return 1 / (1 + anp.exp(-s))


def gate(w, name, x, u):
    return sigma(w[f"{name}_r"] @ x + w[f"{name}_i"] @ u + bias(w, f"{name}_b"))


def bias(w, name):
    return w[name][..., None] if name in w else 0


def candidate(w, x, u):
    return anp.tanh(w["W_r"] @ x + w["W_i"] @ u + bias(w, "b"))


def gru(w, h, u):
    z, recurrent = gate(w, "update", h, u), w["W_r"] @ h + bias(w, "b_h")
    return (1 - z) * anp.tanh(w["W_i"] @ u + bias(w, "b") + gate(w, "reset", h, u) * recurrent) + z * h


def lstm(w, x, u):
    h, c = anp.split(x, 2)
    c = gate(w, "forget", h, u) * c + gate(w, "input", h, u) * candidate(w, h, u)
    return anp.concatenate([gate(w, "output", h, u) * anp.tanh(c), c])


def stack(w, x, u):
    """An LSTM, a GRU that reads its h, and on that a multi gate."""
    H, found = len(x) // 4, []
    states = anp.split(x, [2 * H, 3 * H])
    for start, name, x_l in zip(("layer1_", "layer2_", "layer3_"), ("lstm", "gru", "multi"), states, strict=True):
        own = {key.removeprefix(start): part for key, part in w.items() if key.startswith(start)}
        found.append(REFERENCE[name](own, x_l, u))
        u = found[-1][:H]
    return anp.concatenate(found)


REFERENCE = {
    "plain": candidate,
    "leaky": lambda w, x, u: mix(0.8, x, candidate(w, x, u)),
    "scalar": lambda w, x, u: mix(gate(w, "w", x, u), x, candidate(w, x, u)),
    "multi": lambda w, x, u: mix(gate(w, "V", x, u), x, candidate(w, x, u)),
    "gru": gru,
    "lstm": lstm,
    "stack": stack,
}
# Rows of the state of H units, and the first of those that the readout reads.
STATES = {"lstm": (2, 0), "stack": (4, 3)}


def mix(g, x, phi):
    return (1 - g) * x + g * phi


def reference_outputs(name, weights, u):
    """y_t (output, batch) of every step."""
    H, (states, output) = weights["W_o"].shape[-1], STATES.get(name, (1, 0))
    x, found = anp.zeros((states * H, u.shape[2])), []
    for u_t in u:
        x = REFERENCE[name](weights, x, u_t)
        found.append(weights["W_o"] @ x[output * H : (output + 1) * H] + bias(weights, "b_o"))
    return found


def reference_loss(name, weights, u, y):
    return anp.mean((reference_outputs(name, weights, u)[-1] - y) ** 2)


def cross_entropy(outputs, classes):
    return anp.log(anp.sum(anp.exp(outputs), axis=0)) - anp.sum(outputs * np.eye(OUTPUTS)[:, classes[0].astype(int)], 0)


COSTS = {"squared_error": lambda outputs, y: anp.sum((outputs - y) ** 2, axis=0), "cross_entropy": cross_entropy}


def reference_reading(name, weights, u, y, loss):
    """The mean cost over the batch and the steps that a loss reads."""
    outputs = reference_outputs(name, weights, u)[-loss.steps :]
    return anp.mean(anp.array([COSTS[loss.name](*step) for step in zip(outputs, y, strict=True)]))


BY_REFERENCE = [name for name in ALL_CELLS if name.split()[0] in REFERENCE]


@pytest.mark.parametrize("name", BY_REFERENCE)
def test_loss_and_gradient_equal_autograd(name):
    cell = small_cell(name)
    parameters, u, y = make_example(cell)
    loss, gradient = loss_and_gradient(cell, parameters, u, y)
    for m in range(len(y)):
        weights = {**cell.unpack(parameters.W[m]), "W_o": parameters.W_o[m, 0]}
        expected_loss, expected = autograd.value_and_grad(lambda w, m=m: reference_loss(cell.name, w, u[:, m], y[m]))(
            weights
        )
        np.testing.assert_allclose(loss[m], expected_loss, **ROUNDING)
        found = {**cell.unpack(gradient.W[m]), "W_o": gradient.W_o[m, 0]}
        for weight, value in expected.items():
            np.testing.assert_allclose(found[weight], value, **ROUNDING)


@pytest.mark.parametrize("reading", READINGS)
@pytest.mark.parametrize("name", ["multi", "stack with biases"])
def test_every_reading_of_the_outputs_equals_autograd(name, reading):
    """Several outputs with biases at one, some or all steps; each cell's way back is tested above."""
    cell, loss = small_cell(name), READINGS[reading]
    (W, W_o), u, _ = make_example(cell, outputs=OUTPUTS)
    b_o, y = np.random.default_rng(4).standard_normal((3, OUTPUTS, 1)), targets(loss)
    found, gradient = loss_and_gradient(cell, Parameters(W, np.append(W_o, b_o, axis=2)), u, y, loss)
    for m in range(3):
        weights = {**cell.unpack(W[m]), "W_o": W_o[m], "b_o": b_o[m, :, 0]}
        expected_loss, expected = autograd.value_and_grad(
            lambda w, m=m: reference_reading(cell.name, w, u[:, m], y[m], loss)
        )(weights)
        np.testing.assert_allclose(found[m], expected_loss, **ROUNDING)
        ours = {**cell.unpack(gradient.W[m]), "W_o": gradient.W_o[m, :, :-1], "b_o": gradient.W_o[m, :, -1]}
        for weight, value in expected.items():
            np.testing.assert_allclose(ours[weight], value, **ROUNDING)


@pytest.mark.parametrize("name", BY_REFERENCE)
def test_jacobian_equals_autograd(name):
    cell = small_cell(name)
    (W, _), u, _ = make_example(cell)
    z = forward(cell, W, u).z
    A, B = jacobians(cell, W, z)
    S, t, m, b = cell.state_size, 5, 1, 2
    u_t = z[t, m, S : S + cell.inputs, b, None]
    jacobian = autograd.jacobian(lambda x: REFERENCE[cell.name](cell.unpack(W[m]), x[:, None], u_t)[:, 0])
    np.testing.assert_allclose((A + B)[t, m, b], jacobian(z[t, m, :S, b]), **ROUNDING)


def test_gradient_is_assembled_from_jacobian_products(cell, example):
    """dL/dW = sum over t of (dx_t/dW)^T Phi_{T,t}^T lambda_T, with the products formed explicitly."""
    parameters, u, y = example
    trajectory = forward(cell, parameters.W, u)
    J = sum(jacobians(cell, parameters.W, trajectory.z))
    error = (parameters.W_o @ trajectory.x_T[:, cell.output])[:, 0] - y
    lam = np.zeros_like(trajectory.x_T)
    lam[:, cell.output] = np.swapaxes(parameters.W_o, 1, 2) * (2 / y.shape[1] * error)[:, None]
    total = np.zeros_like(parameters.W)
    product = np.broadcast_to(np.eye(cell.state_size), J.shape[1:])
    for t in reversed(range(len(u))):
        lam_t = np.einsum("mbij,mib->mjb", product, lam)
        _, pairs = cell.step_backward(parameters.W, trajectory.z[t], trajectory.tapes[t], lam_t)
        total += weight_gradient(cell, pairs)
        product = product @ J[t]
    np.testing.assert_allclose(loss_and_gradient(cell, parameters, u, y)[1].W, total, **ROUNDING)


def test_gradient_is_the_sum_over_lags(cell, example):
    by_lag = lag_gradients(cell, *example)
    assert by_lag.shape[0] == len(example[1])
    np.testing.assert_allclose(by_lag.sum(axis=0), loss_and_gradient(cell, *example)[1].W, **ROUNDING)


def test_lag_0_is_what_the_last_step_adds(cell, example):
    """G_0 does not see earlier steps: it is the gradient of a one-step network from x_{T-1}."""
    parameters, u, y = example
    trajectory = forward(cell, parameters.W, u)
    z = trajectory.z[-1]

    def last_loss(W):
        x, _ = cell.step(W, z.astype(complex))
        return np.mean(((parameters.W_o @ x[:, cell.output])[:, 0] - y) ** 2, axis=1)

    V = np.random.default_rng(3).standard_normal(parameters.W.shape)
    derivative = last_loss(parameters.W + 1e-150j * V).imag / 1e-150
    G_0 = lag_gradients(cell, parameters, u, y)[0]
    np.testing.assert_allclose((G_0 * V).sum(axis=(1, 2)), derivative, **ROUNDING)


def test_per_sample_gradients_average_to_the_batch_gradient(cell, example):
    by_sample = per_sample_gradients(cell, *example)
    _, gradient = loss_and_gradient(cell, *example)
    for one, whole in zip(by_sample, gradient, strict=True):
        np.testing.assert_allclose(one.mean(axis=1), whole, **ROUNDING)


def test_per_sample_gradients_are_those_of_the_samples_alone(cell, example):
    parameters, u, y = example
    by_sample = per_sample_gradients(cell, parameters, u, y)
    for b in range(y.shape[1]):
        _, alone = loss_and_gradient(cell, parameters, u[..., b : b + 1], y[:, b : b + 1])
        for one, whole in zip(by_sample, alone, strict=True):
            np.testing.assert_allclose(one[:, b], whole, **ROUNDING)


def test_a_run_goes_on_from_the_state_that_another_one_has_reached(cell, example):
    parameters, u, _ = example
    whole = forward(cell, parameters.W, u)
    rest = forward(cell, parameters.W, u[3:], x_0=whole.z[3, :, : cell.state_size])
    np.testing.assert_array_equal(rest.z, whole.z[3:])
    np.testing.assert_array_equal(rest.x_T, whole.x_T)


def starting(cell, example):
    """How the sequences of `example` begin: each at its own step, in its own state."""
    members, batch = example[2].shape
    x_0 = np.random.default_rng(5).uniform(-1, 1, (members, cell.state_size, batch))
    return {"x_0": x_0, "begins": np.array([[0, 2, 5, 6], [3, 0, 0, 1], [6, 6, 4, 2]])}


def test_sequences_of_unequal_length_are_as_each_alone(cell, example):
    """States, and gradients beside complex steps along a direction."""
    (W, W_o), u, y = example
    start, V = starting(cell, example), np.random.default_rng(3).standard_normal(W.shape[1:])
    trajectory = forward(cell, W, u, **start)
    gradients = per_sample_gradients(cell, Parameters(W, W_o), u, y, **start)
    for m, b in np.ndindex(y.shape):
        first, x_0 = start["begins"][m, b], start["x_0"][m : m + 1, :, b : b + 1]
        own = u[first:, m : m + 1, :, b : b + 1]
        found = trajectory.z[first:, m : m + 1, :, b : b + 1]
        np.testing.assert_allclose(found, forward(cell, W[m : m + 1], own, x_0=x_0).z, **ROUNDING)
        x = forward(cell, W[m : m + 1] + 1e-150j * V, own.astype(complex), x_0=x_0, keep_tapes=False).x_T
        derivative = ((W_o[m] @ x[0, cell.output] - y[m, b]) ** 2).imag.item() / 1e-150
        np.testing.assert_allclose((gradients.W[m, b] * V).sum(), derivative, **ROUNDING)


def test_a_loss_at_several_steps_reads_the_last_ones_of_each_sequence(cell):
    """Gradients of sequences of unequal length, together and alone; each has the three steps that the loss reads."""
    loss, (parameters, u, y) = SquaredError(3), make_example(cell, outputs=OUTPUTS)
    start, y = starting(cell, (parameters, u, y)), targets(loss)
    start["begins"] = np.minimum(start["begins"], 4)
    gradients = per_sample_gradients(cell, parameters, u, y, loss, **start)
    for m, b in ((0, 1), (1, 0), (2, 2)):
        own = Parameters(*(p[m : m + 1] for p in parameters)), u[start["begins"][m, b] :, m : m + 1, :, b : b + 1]
        x_0 = start["x_0"][m : m + 1, :, b : b + 1]
        alone = per_sample_gradients(cell, *own, y[m : m + 1, ..., b : b + 1], loss, x_0=x_0)
        for one, whole in zip(alone, gradients, strict=True):
            np.testing.assert_allclose(one[0, 0], whole[m, b], **ROUNDING)


@pytest.fixture(params=["multi", "stack"])
def read_often(request, reading):
    """A cell, and an example of several outputs with its loss: (parameters, u, y, loss)."""
    cell = small_cell(request.param)
    parameters, u, _ = make_example(cell, outputs=OUTPUTS)
    return cell, (parameters, u, targets(reading), reading)


def test_what_a_loss_at_several_steps_adds_up_to(read_often):
    """G_h over all lags, and the gradients of all samples, to the gradient; those of a sample alone are its own."""
    cell, (parameters, u, y, loss) = read_often
    _, gradient = loss_and_gradient(cell, parameters, u, y, loss)
    np.testing.assert_allclose(lag_gradients(cell, parameters, u, y, loss).sum(axis=0), gradient.W, **ROUNDING)
    by_sample = per_sample_gradients(cell, parameters, u, y, loss)
    _, alone = loss_and_gradient(cell, parameters, u[..., 2:3], y[..., 2:3], loss)
    for samples, whole, one in zip(by_sample, gradient, alone, strict=True):
        np.testing.assert_allclose(samples.mean(axis=1), whole, **ROUNDING)
        np.testing.assert_allclose(samples[:, 2], one, **ROUNDING)


def test_lags_are_counted_from_the_step_of_the_loss(read_often):
    """G_h is the derivative of the loss by the weights of step t - h, each loss at t apart: by complex step."""
    cell, (parameters, u, y, loss) = read_often
    V, T, h = np.random.default_rng(3).standard_normal(parameters.W.shape), len(u), 2
    _, error = loss_and_error(cell, parameters, forward(cell, parameters.W, u), y, loss)
    expected = 0
    for k, t in enumerate(range(T - loss.steps, T)):  # t and t - h are counted from 0
        if t >= h:
            x = moved_at(cell, parameters.W, V, u[: t + 1], t - h)
            moved = (parameters.W_o @ x[:, cell.output]).imag / 1e-150
            expected += (error[:, k] * moved).sum(axis=(1, 2))
    G = lag_gradients(cell, parameters, u, y, loss)[h]
    np.testing.assert_allclose((G * V).sum(axis=(1, 2)), expected, **ROUNDING)


def moved_at(cell, W, V, u, step):
    """The last state of a run whose weights are W + 1e-150 i V at one step."""
    x = np.zeros((len(W), cell.state_size, u.shape[3]), complex)
    for t, u_t in enumerate(u):
        x, _ = cell.step(W + 1e-150j * V * (t == step), np.concatenate([x, u_t], axis=1))
    return x


def test_all_namespaces_agree_on_a_loss_at_several_steps(read_often, place):
    cell, (parameters, u, y, loss) = read_often
    example, there = (parameters, u, y), (Parameters(*map(place, parameters)), place(u), place(y))
    assert_same_on(cell, there, example, loss)


def test_all_namespaces_agree(cell, example, place):
    parameters, u, y = example
    there, start = (Parameters(*map(place, parameters)), place(u), place(y)), starting(cell, example)
    moved = {name: place(values) for name, values in start.items()}
    assert_same_on(cell, there, example)
    flat = [per_sample_gradients(cell, *there, **moved), per_sample_gradients(cell, *example, **start)]
    for a, b in zip(*flat, strict=True):
        np.testing.assert_allclose(to_host(a), b, **ROUNDING)


def assert_same_on(cell, there, example, *loss):
    for function in (loss_and_gradient, lag_gradients, per_sample_gradients):
        flat = [flatten(function(cell, *arguments, *loss)) for arguments in (there, example)]
        for a, b in zip(*flat, strict=True):
            np.testing.assert_allclose(to_host(a), b, **ROUNDING)


def flatten(tree):
    return [leaf for branch in tree for leaf in flatten(branch)] if isinstance(tree, tuple) else [tree]


def test_members_are_the_same_alone_bit_for_bit(cell, example):
    parameters, u, y = example
    loss, gradient = loss_and_gradient(cell, parameters, u, y)
    for m in range(len(y)):
        alone, own = loss_and_gradient(
            cell, Parameters(*(p[m : m + 1] for p in parameters)), u[:, m : m + 1], y[m : m + 1]
        )
        assert alone[0] == loss[m]
        for a, b in zip(own, gradient, strict=True):
            np.testing.assert_array_equal(a[0], b[m])
