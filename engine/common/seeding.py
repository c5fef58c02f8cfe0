"""[RANDOM.streams] Named random streams of a seed, drawn on the CPU, so that no device or ensemble changes them."""

from hashlib import sha256

import numpy as np


def stream(seed, *names):
    """An independent generator for each seed and path of names (strings, integers), such as "adding", "train", 7."""
    digest = sha256("/".join(map(str, names)).encode()).digest()
    return np.random.default_rng([seed, *np.frombuffer(digest, dtype=np.uint32).tolist()])
