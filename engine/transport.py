"""Log spectral norms of the products of Jacobians over all (t, k) [ELR.S], and of what predicts them [ELR.A0], [ELR.A1]."""

import numpy as np

from engine.backend import namespace


def pairs(T):
    """t and k of every pair 1 <= k < t <= T in the order of the pair axis below: by t, then by k; NumPy."""
    t, k = np.tril_indices(T + 1, -1)
    return t[k > 0], k[k > 0]


def log_spectral_norms(J):
    """log S_{t,k} = log ||J_t ... J_{k+1}||_2 [ELR.S], (pair, member, sample), from J (T, member, sample, H, H).

    -inf where a product is exactly 0.
    """
    return product_log_norms(J)[0]


def first_order_log_norms(A, B):
    """log ||prod A_j||_2 [ELR.A0] and log ||prod A_j + its first-order term in B at eps = 1||_2 [ELR.A1].

    A, B (T, member, sample, H, H); both results (pair, member, sample) as `log_spectral_norms`.
    """
    return product_log_norms(A, B)


def product_log_norms(A, B=None):
    """A list of one or two arrays (pair, member, sample): the products of A, and those with their first-order term.

    F_t = A_t F_{t-1} and M_t = A_t M_{t-1} + B_t F_{t-1} carry one scale.
    """
    xp = namespace(A)
    T, H = A.shape[0], A.shape[-1]
    identity = xp.broadcast_to(xp.eye(H, dtype=A.dtype, device=A.device), (1, *A.shape[1:]))
    kinds = 1 if B is None else 2
    products = [xp.zeros((0, *A.shape[1:]), dtype=A.dtype, device=A.device)] * kinds
    log_scale = xp.zeros((0, *A.shape[1:3]), dtype=A.dtype, device=A.device)
    logs = [[] for _ in range(kinds)]
    for t in range(1, T):
        products = [xp.concat([X, identity]) for X in products]
        log_scale = xp.concat([log_scale, xp.zeros((1, *A.shape[1:3]), dtype=A.dtype, device=A.device)])
        previous = products
        products = [A[t, ...] @ X for X in previous]
        if kinds == 2:
            products[1] = products[1] + B[t, ...] @ previous[0]
        peak = sum(xp.max(xp.abs(X), axis=(-2, -1), keepdims=True) for X in products)
        peak = xp.where(peak > 0, peak, 1)
        products = [X / peak for X in products]
        log_scale = log_scale + xp.log(peak[..., 0, 0])
        for log, X in zip(logs, products, strict=True):
            s = xp.linalg.svd(X, full_matrices=False)[1][..., 0]
            log.append(xp.where(s > 0, xp.log(xp.where(s > 0, s, 1)) + log_scale, -xp.inf))
    return [xp.concat(log) for log in logs]
