"""Whether an imported network fits the sequences of a task, and gives the outputs that are expected of it."""

import numpy as np

from engine.network.unroll import forward, readout
from engine.tasks.recorded import Recorded

SAME = 1e-3  # of the largest output: the original may have computed in half precision; gates in another order give 0.1

ORDER = "of an LSTM h and c, and of layers one after the other, h1 c1 h2 c2"  # of the numbers of a state


def fit_mistakes(network, task):
    """Lines on what of an Imported network does not fit the sequences of a task."""
    yield from output_mistakes(network, task)
    if isinstance(task, Recorded) and task.u.shape[1] == network.cell.inputs:
        yield from start_mistakes(network, task) or expectation_mistakes(network, task)


def output_mistakes(network, task):
    """[line] if an Imported network has another number of outputs than the targets of a task need, else []."""
    found, needed = network.parameters.outputs, task.outputs
    if not (network.parameters.has_readout and task.has_targets):
        return []
    if found >= needed and task.loss.rows(found) == task.loss.rows(needed):
        return []
    hint = ", unless `loss` names another one" if isinstance(task, Recorded) else ""
    loss = f"their loss is the {task.loss.title}{hint}"
    if task.loss.rows(found) == task.loss.rows(needed) == 1 < found:
        allowed = f"allowed are 0 to {found - 1}, since the network has {found} outputs"
        return [f"y has class {needed - 1}, {allowed}: {loss}"]
    outputs = "1 output" if found == 1 else f"{found} outputs"
    return [f"the network has {outputs}, and the targets need {needed}: {loss}"]


def start_mistakes(network, sequences):
    """[line] if the x_0 of Recorded sequences are no states of an Imported network, else []."""
    size = network.cell.state_size
    if sequences.x_0 is None or len(sequences.x_0) == size:
        return []
    return [f"x_0 has states of {len(sequences.x_0)} numbers, and that of the network has {size}: {ORDER}"]


def expectation_mistakes(network, sequences):
    """[line] if an Imported network does not give what is `expected` of the first of Recorded sequences, else []."""
    expected = sequences.expected
    if expected is None:
        return []
    if expected.ndim == 3:
        found, expected = states(network, sequences, expected.shape[1]), own_direction(network, expected)
    elif network.parameters.has_readout:
        found = last_outputs(network, sequences, len(expected))
        expected = expected.reshape(len(expected), -1)
    else:
        return [
            "expected are outputs of the last step, and the network has no readout: give states (time, sequence, unit)"
        ]
    if found.shape != expected.shape:
        return [f"expected has shape {expected.shape}, and the network gives {found.shape}"]
    largest, off = np.abs(expected).max(), np.abs(found - expected).max()
    if off <= SAME * largest:
        return []
    start = "" if sequences.x_0 is None else f"an x_0 in another order ({ORDER}), "
    return [
        f"the network gives other outputs than `expected`, by {off:.2g} where the largest is {largest:.2g}: gates in "
        f"another order, weights transposed, {start}or another network? docs/own-networks.md has a table"
    ]


def states(network, sequences, count):
    """h_t (T, sequence, H) of an Imported network on the first sequences, as its layer returns them."""
    own, trajectory = network.networks(0), run_on_first(network, sequences, count)
    h, begins = network.cell.output, trajectory.begins
    found = own.in_order(np.append(trajectory.z[1:, :, h], trajectory.x_T[None, :, h], axis=0), begins)
    found = np.swapaxes(found[:, 0], 1, 2)
    return found if begins is None else np.where((np.arange(len(found))[:, None] < begins)[..., None], 0, found)


def last_outputs(network, sequences, count):
    """The outputs (sequence, output) of an Imported network at the last step of the first sequences."""
    W_o = network.parameters.W_o.astype(np.float64)
    return readout(network.cell, W_o, run_on_first(network, sequences, count).x_T)[0].T


def run_on_first(network, sequences, count):
    """The Trajectory of an Imported network on the first sequences."""
    own, first = network.networks(0), range(count)
    start = own.start | {name: values[None] for name, values in sequences.starts_of(first).items()}
    u = own.in_order(sequences.u[:, None, :, first], start.get("begins"))
    return forward(network.cell, network.parameters.W.astype(np.float64), u, keep_tapes=False, **start)


def own_direction(network, expected):
    """The states of the network's own direction, where those of both are given side by side."""
    if network.direction and expected.shape[2] == 2 * network.cell.units:
        return np.split(expected, 2, axis=2)[network.direction == "reverse"]
    return expected
