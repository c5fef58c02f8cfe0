"""Diagonals of the products of Jacobians between any two times, on any arrays.

Over each block of pairs around a middle m, Phi_{t,k} = R_t L_k with the factors after m and those up to m. A diagonal
is then H inner products, where the product itself would be H^2.
"""

from engine.common import safe
from engine.common.backend import in_rows, namespace
from engine.products.scaled import LOG_2
from engine.products.spectral_norms_plain import by_blocks


def log_diagonals(J):
    """log |[Phi_{t,k}]_qq| (pair, member, sample, q) for 1 <= k < t <= T from J (T, member, sample, H, H); t; k, NumPy.

    -inf where an entry is 0.
    """
    return by_blocks(J, J.shape[-1], log_diagonal_of_product)


def log_diagonal_of_product(R, L):
    """log |diag(R_i L_j)| (i, j, m, ..., q) from R (i, m, ..., H, H) and L (j, m, ..., H, H), Scaled."""
    xp = namespace(R.values)
    rows = in_rows(xp.moveaxis(R.values, 0, -2))  # (m, ..., q, i, H)
    columns = in_rows(xp.moveaxis(xp.matrix_transpose(L.values), 0, -2))  # (m, ..., q, j, H)
    diagonal = xp.moveaxis(rows @ xp.matrix_transpose(columns), (-2, -1), (0, 1))
    exponent = R.exponent[:, None, ..., 0] + L.exponent[None, ..., 0]
    return safe.log(xp.abs(diagonal)) + exponent * LOG_2
