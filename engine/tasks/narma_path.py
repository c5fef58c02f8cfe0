"""The recursion of the NARMA tasks, compiled: as a loop of NumPy calls it took six times as long as all the rest."""

import numpy as np

from engine.common.jit import compiled


@compiled()
def narma_path(u, order, a, b, c, squashed, bound):
    """z_T (batch,) of inputs u (T, batch), and which paths stayed within `bound`; see engine.tasks.narma."""
    T, batch = u.shape
    z, bounded, window = np.zeros((T + 1, batch)), np.ones(batch, np.bool_), np.empty(batch)
    for t in range(T):
        window[:] = 0
        for i in range(max(0, t - order + 1), t + 1):
            window += z[i]
        for j in range(batch):
            past = u[t - order + 1, j] if t + 1 >= order else 0.0
            now = a * z[t, j] + b * z[t, j] * window[j] + 1.5 * past * u[t, j] + c
            z[t + 1, j] = np.tanh(now) if squashed else now
            bounded[j] &= z[t + 1, j] <= bound
    return z[-1], bounded
