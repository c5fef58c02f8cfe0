"""The compiled form of `graded_factor` of engine.products.singular_values for NumPy arrays, chain by chain."""

import numpy as np

from engine.common import jit
from engine.common.safe import ROUNDING
from engine.products import linalg_numba
from engine.products.linalg_numba import copy, frobenius, set_identity, take_power

LARGE = 1e15  # a factor with a norm beyond it, or below its inverse, gets a scale: groups are short

compiled = jit.compiled(fastmath={"reassoc", "contract", "nsz"}, error_model="numpy", uses=[linalg_numba])


@compiled
def fill_graded(J, start, group, T, exponent, lost):
    """Fills T (chain, H, H), exponent (chain) and lost (chain, H) from J (h, chain, H, H) and start (chain, H, H)."""
    h, chains, H, _ = J.shape
    factor, Q, product = np.empty((H, H)), np.empty((H, H)), np.empty((H, H))
    for chain in range(chains):
        mine = T[chain]
        copy(start[chain], Q)
        set_identity(mine)
        exponent[chain], lost[chain] = 0.0, 0.0
        for first in range(0, h, group):
            error = 0.0
            for t in range(first, min(first + group, h)):
                copy(J[t, chain], factor)
                norm = frobenius(factor)
                if not 1 / LARGE < norm < LARGE:
                    exponent[chain] += take_power(factor)
                    norm = frobenius(factor)
                error = norm * (error + ROUNDING * frobenius(Q))
                np.dot(factor, Q, product)
                Q, product = product, Q
            orthogonal, R = np.linalg.qr(Q)
            copy(orthogonal, Q)
            for i in range(H):
                lost[chain, i] += error / abs(R[i, i]) if R[i, i] else np.inf
            np.dot(R, mine, product)
            exponent[chain] += take_power(product)
            copy(product, mine)
