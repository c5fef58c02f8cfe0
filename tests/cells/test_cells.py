"""The laws that every registered cell obeys, on every array namespace."""

from importlib import import_module
from pkgutil import iter_modules

import numpy as np
import pytest
from conftest import ALL_CELLS, ONE_LAYER, make_example, small_cell

import engine.cells
from engine.cells import CELLS, Cell, by_input, make_cell
from engine.common.backend import to_host
from engine.network.unroll import forward, weight_gradient

# Sums of a few dozen products of numbers of order one: rounding stays within some tens of 2.2e-16.
ROUNDING = {"rtol": 1e-13, "atol": 1e-14}


def some_step(cell):
    """W and a z_t with a state that is not zero."""
    (W, _), u, _ = make_example(cell)
    return W, forward(cell, W, u).z[4]


def complex_step_jacobian(cell, W, z, rows=None):
    """dx_t/dx_{t-1} (member, batch, state, state), or by other rows of z_t, by complex-step differentiation."""
    h = 1e-150
    columns = []
    for j in rows or range(cell.state_size):
        moved = z.astype(complex)
        moved[:, j] += 1j * h
        x, _ = cell.step(W.astype(complex), moved)
        columns.append(x.imag / h)
    return np.moveaxis(np.stack(columns, axis=-1), 1, 2)


def test_jacobian_equals_complex_step(cell):
    W, z = some_step(cell)
    A, B = cell.step_jacobian(W, z)
    np.testing.assert_allclose(A + B, complex_step_jacobian(cell, W, z), rtol=1e-13, atol=2e-15)


@pytest.mark.parametrize("biases", ["", " with biases"])
@pytest.mark.parametrize("name", ONE_LAYER)
def test_derivative_by_the_input_equals_complex_step(name, biases):
    """K_t [NET.stack], where a cell lies on another."""
    cell = small_cell(name + biases)
    W, z = some_step(cell)
    rows = range(cell.state_size, cell.state_size + cell.inputs)
    K_A, K_B = by_input.jacobian(cell, W, z)
    np.testing.assert_allclose(K_A + K_B, complex_step_jacobian(cell, W, z, rows), rtol=1e-13, atol=2e-15)
    x, tape = cell.step(W, z)
    lam = np.random.default_rng(1).standard_normal(x.shape)
    _, pairs = cell.step_backward(W, z, tape, lam)
    found = by_input.backward(cell, W, pairs)
    np.testing.assert_allclose(found, np.einsum("mbij,mib->mjb", K_A + K_B, lam), **ROUNDING)


def test_the_candidate_has_the_first_rows(cell):
    """What `by_input.jacobian` takes for granted."""
    assert all(layer.blocks["W_i"][0] == slice(0, cell.units) for layer in cell.layers)


def test_backward_is_the_transposed_jacobian(cell):
    W, z = some_step(cell)
    A, B = cell.step_jacobian(W, z)
    x, tape = cell.step(W, z)
    lam = np.random.default_rng(1).standard_normal(x.shape)
    previous, _ = cell.step_backward(W, z, tape, lam)
    np.testing.assert_allclose(previous, np.einsum("mbij,mib->mjb", A + B, lam), **ROUNDING)


def test_backward_is_the_vector_product_of_the_weight_derivative(cell):
    """<lam, dx/dW . V> = <gradient, V> for random directions V, the left side by complex step."""
    W, z = some_step(cell)
    rng = np.random.default_rng(2)
    x, tape = cell.step(W, z)
    lam = rng.standard_normal(x.shape)
    _, pairs = cell.step_backward(W, z, tape, lam)
    gradient = weight_gradient(cell, pairs)
    for _ in range(5):
        V = rng.standard_normal(W.shape)
        moved, _ = cell.step(W + 1e-150j * V, z.astype(complex))
        np.testing.assert_allclose(np.vdot(lam, moved.imag / 1e-150), np.vdot(gradient, V), **ROUNDING)


def test_all_namespaces_agree(cell, place):
    W, z = some_step(cell)
    x, tape = cell.step(W, z)
    lam = np.ones_like(x)
    there, tape_there = cell.step(place(W), place(z))
    expected = [x, cell.step_backward(W, z, tape, lam)[0], *cell.step_jacobian(W, z), *cell.log_gates(W, z)]
    found = [
        there,
        cell.step_backward(place(W), place(z), tape_there, place(lam))[0],
        *cell.step_jacobian(place(W), place(z)),
        *cell.log_gates(place(W), place(z)),
    ]
    for a, b in zip(found, expected, strict=True):
        np.testing.assert_allclose(to_host(a), b, **ROUNDING)


def test_members_are_the_same_alone_bit_for_bit(cell):
    (W, _), u, _ = make_example(cell)
    together = forward(cell, W, u).x_T
    alone = np.concatenate([forward(cell, W[m : m + 1], u[:, m : m + 1]).x_T for m in range(len(W))])
    np.testing.assert_array_equal(together, alone)


def test_weights_by_name_make_W_again(cell):
    W, _ = some_step(cell)
    np.testing.assert_array_equal(cell.pack(cell.unpack(W)), W)


def test_gates_are_in_the_unit_interval(cell):
    for log_gate in cell.log_gates(*some_step(cell)):
        assert log_gate.shape[1] in (1, len(cell.unit_coordinates["unit"]))
        assert (log_gate <= 0).all()


@pytest.mark.parametrize("name", [name for name in ALL_CELLS if name.split()[0] not in ("lstm", "stack")])
def test_what_a_gate_does_not_let_in_is_retained(name):
    """An LSTM has a gate of its own for each."""
    log_g, log_r = small_cell(name).log_gates(*some_step(small_cell(name)))
    np.testing.assert_allclose(np.exp(log_g) + np.exp(log_r), 1, rtol=1e-15)


def test_a_cell_says_whether_each_unit_has_a_gate(cell):
    assert cell.gate_for_each_unit == (cell.name not in ("plain", "leaky", "scalar"))


def test_saturated_gates_keep_their_logs():
    """At pre-activations of -1000, log g = -1000 where g itself is 0 in floating point."""
    cell = make_cell("scalar", 2, 1)
    W = np.zeros((1, *cell.shape))
    W[0, 2, 2] = -1000.0
    log_g, log_r = cell.log_gates(W, np.array([[[0.0], [0.0], [1.0]]]))
    assert log_g.item() == -1000.0
    assert log_r.item() == 0.0


# The equations of docs/theory.md, section 1, and of PyTorch's manual for GRU and LSTM, once more and sample by sample.
def plain_step(w, x, u):
    return np.tanh(w["W_r"] @ x + w["W_i"] @ u + w.get("b", 0))


def leaky_step(w, x, u, alpha=0.8):
    return (1 - alpha) * x + alpha * plain_step(w, x, u)


def scalar_step(w, x, u):
    g = gate(w, "w", x, u)
    return (1 - g) * x + g * plain_step(w, x, u)


def multi_step(w, x, u):
    g = gate(w, "V", x, u)
    return (1 - g) * x + g * plain_step(w, x, u)


def sigma(s):
    return 1 / (1 + np.exp(-s))


def gate(w, name, x, u):
    return sigma(w[f"{name}_r"] @ x + w[f"{name}_i"] @ u + w.get(f"{name}_b", 0))


def gru_candidate(w, r, h, u):
    return np.tanh(w["W_i"] @ u + w.get("b", 0) + r * (w["W_r"] @ h + w.get("b_h", 0)))


def gru_step(w, h, u):
    r, z = gate(w, "reset", h, u), gate(w, "update", h, u)
    n = gru_candidate(w, r, h, u)
    return (1 - z) * n + z * h


def gru_before_candidate(w, r, h, u):
    return np.tanh(w["W_i"] @ u + w.get("b", 0) + w["W_r"] @ (r * h))


def gru_before_step(w, h, u):
    r, z = gate(w, "reset", h, u), gate(w, "update", h, u)
    return (1 - z) * gru_before_candidate(w, r, h, u) + z * h


def lstm_step(w, x, u):
    h, c = np.split(x, 2)
    i, f, o = (gate(w, name, h, u) for name in ("input", "forget", "output"))
    c = f * c + i * plain_step(w, h, u)
    return np.concatenate([o * np.tanh(c), c])


def stack_step(w, x, u):
    """An LSTM, a GRU that reads its h, and on that a multi gate."""
    found = []
    for (name, start), x_l in zip(LAYERS.items(), states(x), strict=True):
        found.append(STEPS[name](of_layer(w, start), x_l, u))
        u = found[-1][: len(x) // 4]
    return np.concatenate(found)


LAYERS = {"lstm": "layer1_", "gru": "layer2_", "multi": "layer3_"}


def states(x):
    """The state of each layer."""
    return np.split(x, [len(x) // 2, len(x) // 4 * 3])


def of_layer(w, start):
    """The weights of a layer by the names of its cell."""
    return {name.removeprefix(start): part for name, part in w.items() if name.startswith(start)}


STEPS = {
    "plain": plain_step,
    "leaky": leaky_step,
    "scalar": scalar_step,
    "multi": multi_step,
    "gru": gru_step,
    "gru_before": gru_before_step,
    "lstm": lstm_step,
    "stack": stack_step,
}


@pytest.mark.parametrize("biases", ["", " with biases"])
@pytest.mark.parametrize("name", STEPS)
def test_step_is_the_equation_of_the_theory(name, biases):
    cell = small_cell(name + biases)
    W, z = some_step(cell)
    x, _ = cell.step(W, z)
    for m, b in np.ndindex(len(W), z.shape[2]):
        found = STEPS[name](cell.unpack(W[m]), *state_and_input(cell, z[m, :, b]))
        np.testing.assert_allclose(x[m, :, b], found, **ROUNDING)


def state_and_input(cell, z):
    """x_{t-1} and u_t of one sample."""
    S = cell.state_size
    return z[:S], z[S : S + cell.inputs]


# The step with its gates as arguments, for one sample: with the gates of one state and the rest at another it has A as
# its derivative, and only A.
def mixed(w, gates, x, u):
    return (1 - gates["V"]) * x + gates["V"] * plain_step(w, x, u)


def gru_mixed(w, gates, h, u):
    n = gru_candidate(w, gates["reset"], h, u)
    return (1 - gates["update"]) * n + gates["update"] * h


def gru_before_mixed(w, gates, h, u):
    return (1 - gates["update"]) * gru_before_candidate(w, gates["reset"], h, u) + gates["update"] * h


def lstm_mixed(w, gates, x, u):
    h, c = x[: len(x) // 2], x[len(x) // 2 :]
    c = gates["forget"] * c + gates["input"] * plain_step(w, h, u)
    return np.concatenate([gates["output"] * np.tanh(c), c])


HELD_GATES = {
    "multi": (mixed, ["V"]),
    "gru": (gru_mixed, ["reset", "update"]),
    "gru_before": (gru_before_mixed, ["reset", "update"]),
    "lstm": (lstm_mixed, ["input", "forget", "output"]),
}


@pytest.mark.parametrize("biases", ["", " with biases"])
@pytest.mark.parametrize("name", [*HELD_GATES, "stack"])
def test_first_part_holds_the_gates_still(name, biases):
    """A is the Jacobian with the gates as constants; B alone carries their own reaction [JAC.split]."""
    cell = small_cell(name + biases)
    W, z = some_step(cell)
    A, _ = cell.step_jacobian(W, z)
    for m, b in np.ndindex(len(W), z.shape[2]):
        x, u = state_and_input(cell, z[m, :, b])
        step = with_held_gates(name, cell.unpack(W[m]), x, u)
        by_x = [step(x + 1e-150j * e, u).imag / 1e-150 for e in np.eye(len(x))]
        np.testing.assert_allclose(A[m, b], np.stack(by_x, axis=1), rtol=1e-13, atol=2e-15)


@pytest.mark.parametrize("biases", ["", " with biases"])
@pytest.mark.parametrize("name", HELD_GATES)
def test_first_part_by_the_input_holds_the_gates_still(name, biases):
    cell = small_cell(name + biases)
    W, z = some_step(cell)
    K_A, _ = by_input.jacobian(cell, W, z)
    for m, b in np.ndindex(len(W), z.shape[2]):
        x, u = state_and_input(cell, z[m, :, b])
        step = with_held_gates(name, cell.unpack(W[m]), x, u)
        by_u = [step(x, u + 1e-150j * e).imag / 1e-150 for e in np.eye(len(u))]
        np.testing.assert_allclose(K_A[m, b], np.stack(by_u, axis=1), rtol=1e-13, atol=2e-15)


def with_held_gates(name, w, x, u):
    """The step as a function of state and input, with all gates as they are at x and u."""
    if name == "stack":
        return stack_with_held_gates(w, x, u)
    step, names = HELD_GATES[name]
    gates = {gate_name: gate(w, gate_name, x[: len(w["W_r"])], u) for gate_name in names}
    return lambda x, u: step(w, gates, x, u)


def stack_with_held_gates(w, x, u):
    H, steps = len(x) // 4, []
    for (name, start), x_l in zip(LAYERS.items(), states(x), strict=True):
        steps.append(with_held_gates(name, of_layer(w, start), x_l, u))
        u = steps[-1](x_l, u)[:H]

    def step(x, u):
        found = []
        for held, x_l in zip(steps, states(x), strict=True):
            found.append(held(x_l, u))
            u = found[-1][:H]
        return np.concatenate(found)

    return step


def test_the_second_part_is_there_where_a_gate_reacts(cell):
    _, B = cell.step_jacobian(*some_step(cell))
    assert B.any() == cell.gate_reacts


@pytest.mark.parametrize(("name", "alpha"), [("plain", 1), ("leaky", 0.8)])
def test_phi_may_be_relu(name, alpha):
    cell = small_cell(f"{name} with relu")
    W, z = some_step(cell)
    a, x = W @ z, z[:, :5]
    np.testing.assert_allclose(cell.step(W, z)[0], (1 - alpha) * x + alpha * np.maximum(a, 0), **ROUNDING)
    assert small_cell(name).has_usual_functions and not cell.has_usual_functions
    assert cell.settings["nonlinearity"] == "relu" and "nonlinearity" not in small_cell(name).settings
    with pytest.raises(ValueError, match=r"cell leaky: nonlinearity = 'elu', allowed is tanh or relu"):
        make_cell("leaky", 4, 2, alpha=0.5, nonlinearity="elu")


@pytest.mark.parametrize("name", ["lstm", "gru_before"])
def test_gates_may_be_straight_lines(name, monkeypatch):
    """The equations with min(max(0.3 s + 1/2, 0), 1) for sigma; some gates are wide open or shut."""
    cell = small_cell(f"{name} with hard gates")
    W, z = some_step(cell)
    W *= 2
    x, _ = cell.step(W, z)
    monkeypatch.setitem(globals(), "sigma", lambda s: np.clip(0.3 * s + 0.5, 0, 1))
    for m, b in np.ndindex(len(W), z.shape[2]):
        np.testing.assert_allclose(
            x[m, :, b], STEPS[name](cell.unpack(W[m]), *state_and_input(cell, z[m, :, b])), **ROUNDING
        )
    assert small_cell(name).has_usual_functions and not cell.has_usual_functions
    logs = np.concatenate([log.ravel() for log in cell.log_gates(W, z)])
    assert np.isinf(logs).any() and (logs == 0).any() and cell.settings == {"hard_gates": 0.3}
    with pytest.raises(ValueError, match=rf"cell {name}: hard_gates = 0, allowed is false or a slope between 0 and 1"):
        make_cell(name, 4, 2, hard_gates=0)


@pytest.mark.parametrize("alpha", [0, -0.1, 1.5, float("nan")])
def test_alpha_out_of_range_is_refused(alpha):
    with pytest.raises(ValueError, match=r"alpha = .*allowed is 0 < alpha <= 1"):
        make_cell("leaky", 4, 2, alpha=alpha)


def test_unknown_names_are_met_with_the_nearest():
    with pytest.raises(ValueError, match=r"unknown cell 'mutli', did you mean 'multi'\? \(allowed: plain, leaky"):
        make_cell("mutli", 4, 2)
    with pytest.raises(ValueError, match="'alhpa', did you mean 'alpha'"):
        make_cell("leaky", 4, 2, alhpa=0.5)


@pytest.mark.parametrize("name", ONE_LAYER)
def test_biases_are_the_weights_of_one_more_input_that_is_always_1(name):
    """[NET.bias] A GRU's b_h, which is not, is 0 here."""
    cell, folded = small_cell(name + " with biases"), small_cell(name, inputs=4)
    parameters, u, _ = make_example(cell)
    cell.unpack(parameters.W).get("b_h", np.zeros(1))[...] = 0
    weights = cell.unpack(parameters.W)
    for key in [key for key in weights if key.endswith("_i")]:
        bias = weights.pop("b" if key == "W_i" else key[:-1] + "b")
        weights[key] = np.concatenate([weights[key], bias[..., None]], axis=-1)
    weights.pop("b_h", None)
    expected = forward(folded, folded.pack(weights), np.concatenate([u, np.ones_like(u[:, :, :1])], axis=2))
    np.testing.assert_allclose(forward(cell, parameters.W, u).x_T, expected.x_T, **ROUNDING)


def test_bias_is_a_yes_or_no():
    with pytest.raises(ValueError, match="cell leaky: bias = 1, allowed is true or false"):
        make_cell("leaky", 4, 2, alpha=0.5, bias=1)


def test_every_cell_of_the_folder_is_registered():
    modules = [import_module(f"engine.cells.{module.name}") for module in iter_modules(engine.cells.__path__)]
    classes = {x for module in modules for x in vars(module).values() if isinstance(x, type) and issubclass(x, Cell)}
    assert {x for x in classes if hasattr(x, "name")} == set(CELLS.values())
