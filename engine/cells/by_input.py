"""Derivatives of a cell by its input u_t, for those that lie on another one [NET.stack].

They follow from `step_backward`: a cell reads its input through the rows of W alone, so what goes back to a row goes on
to the input.
"""

from engine.common.backend import identity, namespace


def backward(cell, W, pairs):
    """dL/du_t = K_t^T lambda_t (member, input, batch) from the pairs of `step_backward`."""
    return namespace(W).matrix_transpose(W[:, :, cell.input_columns]) @ delta_of_rows(cell, pairs)


def jacobian(cell, W, z):
    """The two parts of K_t = dx_t/du_t, each (member, batch, state, input): through the candidate, through the gates.

    Each row of K is the way back from one entry of the state, all of them at once as one large batch.
    """
    xp, S, H, (members, _, batch) = namespace(z), cell.state_size, cell.units, z.shape
    repeated = xp.repeat(z, S, axis=2)
    entries = xp.broadcast_to(identity(z, S)[:, None, :], (members, S, batch, S))
    _, tape = cell.step(W, repeated)
    _, pairs = cell.step_backward(W, repeated, tape, xp.reshape(entries, (members, S, -1)))
    delta = xp.permute_dims(xp.reshape(delta_of_rows(cell, pairs), (members, -1, batch, S)), (0, 2, 3, 1))
    W_u = W[:, None, :, cell.input_columns]
    return delta[..., :H] @ W_u[..., :H, :], delta[..., H:] @ W_u[..., H:, :]


def delta_of_rows(cell, pairs):
    """dL/d(what each row of W makes of the input), (member, row, batch), from the pairs of `step_backward`."""
    first = cell.input_columns.start
    placed = zip(places(cell, pairs), pairs, strict=True)
    read = [delta for (_, columns), (delta, _) in placed if columns.start <= first < columns.stop]
    return namespace(read[0]).concat(read, axis=1)


def places(cell, pairs):
    """Yields the rows and the columns of W, two slices, in which the product of each of the pairs stands."""
    row = column = 0
    for delta, operand in pairs:
        below, right = row + delta.shape[-2], column + operand.shape[-2]
        yield slice(row, below), slice(column, right)
        row, column = (below, 0) if right == cell.shape[1] else (row, right)
