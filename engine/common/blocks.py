"""Standard errors of what is measured along a run, from blocks of it."""

import numpy as np


def ends_of_blocks(T, transient, blocks):
    """The last step of the transient and of each block, whole numbers; ValueError where a block would have none."""
    first = int(transient * T)
    if (length := (T - first) // blocks) < 1:
        raise ValueError(f"T = {T} is too short for {blocks} blocks after a transient of {first} steps")
    return first + length * np.arange(blocks + 1)


def jackknife_error(statistic, x):
    """`statistic` of the mean of x over its first axis, and its standard error, by leaving out one of x at a time.

    For a statistic of arrays with any leading axes, and values of x that are independent. Of host arrays.
    """
    n, mean = len(x), x.mean(axis=0)
    with np.errstate(invalid="ignore"):  # infinity has no error
        without = statistic(mean + (mean - x) / (n - 1))
        return statistic(mean), np.sqrt((n - 1) * without.var(axis=0))
