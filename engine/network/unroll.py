"""A cell over time: the forward pass, backpropagation through time by hand, and gradients by lag and by sample."""

from typing import NamedTuple

from engine.common.backend import namespace, zeros
from engine.losses.squared_error import SquaredError

SQUARED_ERROR = SquaredError()  # at the last step


class Parameters(NamedTuple):
    """All trained weights of an ensemble, or their gradients."""

    W: object  # (member, row, H + n), the cell's weights, see engine.cells.cell.Cell
    W_o: object  # (member, output, H), the readout, or (member, output, H + 1) with its bias in the last column

    @property
    def outputs(self):
        """Number of outputs."""
        return self.W_o.shape[-2]

    @property
    def has_readout(self):
        """Whether there is a readout: W_o is 0 where there is none."""
        return bool(self.W_o.any())


class Trajectory(NamedTuple):
    """A run over t = 1..T, at the end of which all sequences end."""

    z: object  # (T, member, H + n, batch): z_t = [x_{t-1}; u_t], or [x_{t-1}; u_t; 1] of a cell with biases
    x_T: object  # (member, H, batch)
    tapes: list  # what step_backward needs, one a step
    begins: object = None  # (member, batch): steps before each sequence begins; None where all begin at once

    def last(self, steps):
        """Its last steps, where all sequences have begun."""
        return Trajectory(self.z[-steps:, ...], self.x_T, self.tapes[-steps:])


def forward(cell, W, u, *, x_0=None, begins=None, keep_tapes=True):
    """The Trajectory with inputs u (T, member, n, batch) from x_0 (member, state, batch), 0 if left out [NET.start].

    A sequence stays at x_0 for the `begins` (member, batch) steps before it begins.
    """
    u = with_constant(cell, u)
    T, members, driven, batch = u.shape
    H = cell.state_size
    z = zeros(W, T, members, H + driven, batch)
    z[:, :, H:, :] = u
    if x_0 is not None:
        z[0, :, :H, :] = x_0
    tapes = []
    for t in range(T):
        x, tape = cell.step(W, z[t, ...])
        if keep_tapes:
            tapes.append(tape)
        if t + 1 < T:
            z[t + 1, :, :H, :] = where_begun(begins, t, x, z[t, :, :H, :])
    return Trajectory(z, x, tapes, begins)


def where_begun(begins, t, x, otherwise):
    """x (member, state, batch) of the sequences for which step t, counted from 0, is one of their own."""
    return x if begins is None else namespace(x).where((begins <= t)[:, None, :], x, otherwise)


def with_constant(cell, u):
    """Inputs u (T, member, n, batch); for a cell with biases, with one more channel that is always 1."""
    xp = namespace(u)
    return xp.concat([u, xp.ones_like(u[:, :, :1, :])], axis=2) if cell.bias else u


def read_out(cell, W_o, x):
    """What W_o reads of a state x (member, state, batch): its units, and a row of ones if the readout has a bias."""
    xp, units = namespace(x), x[:, cell.output, :]
    return units if W_o.shape[2] == cell.units else xp.concat([units, xp.ones_like(units[:, :1, :])], axis=1)


def readout(cell, W_o, x):
    """y_t = W_o x_t, and + b_o if it has a bias, (member, output, batch)."""
    return W_o @ read_out(cell, W_o, x)


def last_states(cell, trajectory, steps):
    """The last `steps` states up to x_T, (member, state, batch) each."""
    T, S = trajectory.z.shape[0], cell.state_size
    return [*(trajectory.z[t, :, :S, :] for t in range(T - steps + 1, T)), trajectory.x_T]


def loss_and_error(cell, parameters, trajectory, y, loss=SQUARED_ERROR):
    """The loss (member,) [NET.loss] and its derivative in the outputs that it reads, (member, step, output, batch).

    Targets y are (member, step, row, batch), or (member, batch) if it reads one number.
    """
    xp, members = namespace(y), y.shape[0]
    states = last_states(cell, trajectory, loss.steps)
    outputs = xp.stack([readout(cell, parameters.W_o, x) for x in states], axis=1)
    costs, slopes = loss.costs_and_slopes(outputs, y if y.ndim == 4 else y[:, None, None, :])
    costs = xp.reshape(costs, (members, -1))
    return xp.mean(costs, axis=1), slopes * (1 / costs.shape[1])


def adjoints(cell, W, trajectory, entering):
    """[BPTT] from what enters lambda_t at the last steps, (member, state, batch) each.

    Yields (t, pairs of `step_backward`) for t = T-1..0.
    """
    *earlier, lam = entering
    for t in reversed(range(len(trajectory.tapes))):
        lam, pairs = cell.step_backward(W, trajectory.z[t, ...], trajectory.tapes[t], lam)
        yield t, pairs
        lam = where_begun(trajectory.begins, t - 1, lam, 0.0)
        if earlier:
            lam = lam + earlier.pop()


def entering_lambdas(cell, W_o, error):
    """W_o^T dL/dy_t at each step that the loss reads, (member, state, batch), from `error` of `loss_and_error`."""
    W_t = namespace(error).matrix_transpose(W_o[:, :, : cell.units])
    return [cell.lam_of_output(W_t @ error[:, k, :, :]) for k in range(error.shape[1])]


def weight_gradient(cell, pairs):
    """(member, row, column) of W: the products delta @ operand^T, summed over the batch."""
    return assemble(cell, [delta @ namespace(delta).matrix_transpose(operand) for delta, operand in pairs])


def assemble(cell, blocks):
    """An array shaped like W, (..., row, column), from its blocks in the order of `Cell.step_backward`."""
    lines, line = [], []
    for block in blocks:
        line.append(block)
        if sum(part.shape[-1] for part in line) == cell.shape[1]:
            lines.append(joined(line, axis=-1))
            line = []
    return joined(lines, axis=-2)


def joined(blocks, axis):
    """Blocks as one array; a single block is not copied."""
    return blocks[0] if len(blocks) == 1 else namespace(blocks[0]).concat(blocks, axis=axis)


def loss_and_gradient(cell, parameters, u, y, loss=SQUARED_ERROR):
    """Loss (member,) and dL/dtheta [BPTT] for inputs u (T, member, n, batch), targets y as in `loss_and_error`."""
    xp = namespace(y)
    trajectory = forward(cell, parameters.W, u)
    found, error = loss_and_error(cell, parameters, trajectory, y, loss)
    dW = xp.zeros_like(parameters.W)
    for _, pairs in adjoints(cell, parameters.W, trajectory, entering_lambdas(cell, parameters.W_o, error)):
        dW += weight_gradient(cell, pairs)
    steps = errors_and_reads(cell, parameters.W_o, trajectory, error)
    return found, Parameters(dW, sum(e @ xp.matrix_transpose(read) for e, read in steps))


def errors_and_reads(cell, W_o, trajectory, error):
    """Pairs of dL/dy_t (member, output, batch) and what the readout reads there (member, column, batch)."""
    states = last_states(cell, trajectory, error.shape[1])
    return [(error[:, k, :, :], read_out(cell, W_o, x)) for k, x in enumerate(states)]


def lag_gradients(cell, parameters, u, y, loss=SQUARED_ERROR):
    """G_h [BPTT.lag], (T, member, row, column) of W over h = 0..T-1.

    It is the sum over the steps t that the loss reads of the part of dL_t/dW that enters at step t - h. The definition,
    with all G_h in memory; `gradient_norms` of engine.measures.lag_profiles measures their norms, without underflow.
    """
    trajectory = forward(cell, parameters.W, u)
    _, error = loss_and_error(cell, parameters, trajectory, y, loss)
    G = zeros(parameters.W, u.shape[0], *parameters.W.shape)
    entering = entering_lambdas(cell, parameters.W_o, error)
    for t, lam in enumerate(entering, start=u.shape[0] - len(entering) + 1):
        until_t = trajectory._replace(tapes=trajectory.tapes[:t])
        for h, (_, pairs) in enumerate(adjoints(cell, parameters.W, until_t, [lam])):
            G[h, ...] += weight_gradient(cell, pairs)
    return G


def per_sample_gradients(cell, parameters, u, y, loss=SQUARED_ERROR, **start):
    """Gradients of each sample's own loss: Parameters (member, batch, ...). Their mean is the batch gradient.

    `start` has the x_0 and `begins` of `forward`, where there are any.

    One backward pass, then one product a block of W, with time as the inner dimension.
    """
    xp = namespace(y)
    trajectory = forward(cell, parameters.W, u, **start)
    _, error = loss_and_error(cell, parameters, trajectory, y, loss)
    error = error * error.shape[3]
    entering = entering_lambdas(cell, parameters.W_o, error)
    walk = [pairs for _, pairs in adjoints(cell, parameters.W, trajectory, entering)]
    blocks = []
    for pairs in zip(*walk, strict=True):
        delta, operand = (by_sample(side) for side in zip(*pairs, strict=True))
        blocks.append(xp.matrix_transpose(delta) @ operand)
    steps = errors_and_reads(cell, parameters.W_o, trajectory, error)
    sides = [[xp.matrix_transpose(side) for side in pair] for pair in steps]
    return Parameters(assemble(cell, blocks), sum(e[..., None] * read[:, :, None, :] for e, read in sides))


def by_sample(steps):
    """(member, batch, step, row) from a sequence of steps (member, row, batch)."""
    members, rows, batch = steps[0].shape
    whole = zeros(steps[0], members, batch, len(steps), rows)
    for t, step in enumerate(steps):
        whole[:, :, t, :] = namespace(step).matrix_transpose(step)
    return whole


def jacobians(cell, W, z):
    """A_t and B_t along a trajectory's z: two arrays (T, member, batch, H, H) [JAC.split]."""
    xp = namespace(W)
    parts = [cell.step_jacobian(W, z[t, ...]) for t in range(z.shape[0])]
    return xp.stack([A for A, _ in parts]), xp.stack([B for _, B in parts])


def full_jacobian(cell, W, z):
    """J_t = A_t + B_t (member, batch, H, H) at z_t (member, H + n, batch)."""
    A, B = cell.step_jacobian(W, z)
    return A + B
