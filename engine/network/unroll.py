"""A cell over time: the forward pass, backpropagation through time by hand, and gradients by lag and by sample."""

from typing import NamedTuple

from engine.common.backend import namespace, zeros


class Parameters(NamedTuple):
    """All trained weights of an ensemble, or their gradients."""

    W: object  # (member, row, H + n), the cell's weights, see engine.cells.cell.Cell
    W_o: object  # (member, 1, H), the readout, or (member, 1, H + 1) with its bias in the last column

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
    """y = W_o x_T, and + b_o if it has a bias, (member, batch)."""
    return (W_o @ read_out(cell, W_o, x))[:, 0, :]


def loss_and_error(cell, parameters, trajectory, y):
    """Mean over the batch of (y_hat - y)^2, (member,), and its derivative in y_hat, (member, 1, batch)."""
    xp = namespace(y)
    error = readout(cell, parameters.W_o, trajectory.x_T) - y
    return xp.mean(error * error, axis=1), (error * (2 / error.shape[1]))[:, None, :]


def adjoints(cell, W, trajectory, lam):
    """[BPTT] from lambda_T = `lam` (member, state, batch): yields (t, pairs of `step_backward`) for t = T-1..0."""
    for t in reversed(range(len(trajectory.tapes))):
        lam, pairs = cell.step_backward(W, trajectory.z[t, ...], trajectory.tapes[t], lam)
        yield t, pairs
        lam = where_begun(trajectory.begins, t - 1, lam, 0.0)


def lambda_T(cell, W_o, error):
    """dL/dx_T (member, state, batch) from dL/dy_hat (member, 1, batch)."""
    return cell.lam_of_output(namespace(error).matrix_transpose(W_o[:, :, : cell.units]) @ error)


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


def loss_and_gradient(cell, parameters, u, y):
    """Loss (member,) and dL/dtheta [BPTT] for inputs u (T, member, n, batch), targets y (member, batch)."""
    xp = namespace(y)
    trajectory = forward(cell, parameters.W, u)
    loss, error = loss_and_error(cell, parameters, trajectory, y)
    dW = xp.zeros_like(parameters.W)
    for _, pairs in adjoints(cell, parameters.W, trajectory, lambda_T(cell, parameters.W_o, error)):
        dW += weight_gradient(cell, pairs)
    dW_o = error @ xp.matrix_transpose(read_out(cell, parameters.W_o, trajectory.x_T))
    return loss, Parameters(dW, dW_o)


def lag_gradients(cell, parameters, u, y):
    """G_h [BPTT.lag], (T, member, row, H + n) over h = 0..T-1: the part of dL/dW that enters at step T - h."""
    xp = namespace(y)
    trajectory = forward(cell, parameters.W, u)
    _, error = loss_and_error(cell, parameters, trajectory, y)
    walk = adjoints(cell, parameters.W, trajectory, lambda_T(cell, parameters.W_o, error))
    return xp.stack([weight_gradient(cell, pairs) for _, pairs in walk])


def per_sample_gradients(cell, parameters, u, y, **start):
    """Gradients of (y_hat - y)^2 of each sample: Parameters (member, batch, ...). Their mean is the batch gradient.

    `start` has the x_0 and `begins` of `forward`, where there are any.

    One backward pass, then one product a block of W, with time as the inner dimension.
    """
    xp = namespace(y)
    trajectory = forward(cell, parameters.W, u, **start)
    _, error = loss_and_error(cell, parameters, trajectory, y)
    error = error * error.shape[2]
    walk = [pairs for _, pairs in adjoints(cell, parameters.W, trajectory, lambda_T(cell, parameters.W_o, error))]
    blocks = []
    for pairs in zip(*walk, strict=True):
        delta, operand = (by_sample(side) for side in zip(*pairs, strict=True))
        blocks.append(xp.matrix_transpose(delta) @ operand)
    dW_o = xp.matrix_transpose(error * read_out(cell, parameters.W_o, trajectory.x_T))[:, :, None, :]
    return Parameters(assemble(cell, blocks), dW_o)


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
