"""Batches drawn ahead of their use where a device does the work: the host draws while the device computes."""

from collections import deque
from concurrent.futures import ThreadPoolExecutor

AHEAD = 4  # batches, each drawn by a thread of its own


def drawn_ahead(draw, indices, place):
    """Yields `draw(k)` for each k, a tuple of arrays of which the first two are moved by `place` beforehand.

    `draw` is called in several threads at once, so it must not change anything.
    """

    def moved(k):
        u, y, *rest = draw(k)
        return place(u), place(y), *rest

    pool, waiting = ThreadPoolExecutor(AHEAD), deque()
    try:
        for k in indices:
            waiting.append(pool.submit(moved, k))
            if len(waiting) > AHEAD:
                yield waiting.popleft().result()
        while waiting:
            yield waiting.popleft().result()
    finally:
        pool.shutdown(cancel_futures=True)
