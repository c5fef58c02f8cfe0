"""[RANDOM.streams] Named random streams of a seed, drawn on the CPU: the same for every device, order and ensemble."""

from hashlib import sha256

import numpy as np


def stream(seed, *names):
    """A generator of its own for each seed and path of names (strings, whole numbers), such as "adding", "train", 7."""
    digest = sha256("/".join(map(str, names)).encode()).digest()
    return np.random.default_rng([seed, *np.frombuffer(digest, dtype=np.uint32).tolist()])
