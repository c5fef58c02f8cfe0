"""The recursion of the NARMA tasks, compiled: a loop of NumPy calls took six times as long as all the rest."""

import numpy as np

from engine.common.jit import compiled


@compiled()
def narma_path(u, order, a, b, c, diverged):
    """z_T (batch,) of inputs u (T, batch), and which paths stayed below `diverged`; see engine.tasks.narma."""
    T, batch = u.shape
    z, sound, window = np.zeros((T, batch)), np.ones(batch, np.bool_), np.empty(batch)
    for t in range(T - 1):
        window[:] = 0
        for i in range(max(0, t - order + 1), t + 1):
            window += z[i]
        for j in range(batch):
            past = u[t - order + 1, j] if t + 1 >= order else 0.0
            z[t + 1, j] = a * z[t, j] + b * z[t, j] * window[j] + 1.5 * past * u[t, j] + c
            sound[j] &= abs(z[t + 1, j]) < diverged
    return z[-1], sound
