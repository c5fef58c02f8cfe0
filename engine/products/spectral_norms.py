"""Spectral norms of the products of Jacobians over all (t, k) [ELR.S], and of their approximations [ELR.A0], [ELR.A1].

Phi_{t,k} = R_t L_k with R_t = Phi_{t,m} and L_k = Phi_{m,k}, for any m in between. Blocks of pairs k <= m < t, 1, 2, 4,
... wide, hold each pair once and take T log T products, instead of T^2 / 2 one by one. Within a block, Lanczos
iteration (engine.products.lanczos) finds the norms of all R_t L_k at once, without forming them:
engine.products.spectral_norms_plain does it on any arrays, engine.products.spectral_norms_numba on NumPy arrays.

To first order: the factors [[A, B], [0, A]] have the product [[F, N], [0, F]], where F is the product of the A_j and N
its first-order term in B. So F + N of (t, k) is [F, N] of (t, m) times [F + N; F] of (m, k).

Products carry powers of two as scales: none underflows or overflows. Every norm is proven to 1e-9, apart from the error
of any product in double precision, H 2^-53 ||Phi_{t,m}|| ||Phi_{m,k}|| / ||Phi_{t,k}||. Norms that cannot be proven are
found by singular value decomposition, and the log says how often.
"""

import logging
from functools import cache

import numpy as np

from engine.common import safe
from engine.common.backend import like, namespace, to_host
from engine.common.seeding import stream
from engine.products import linalg
from engine.products.lanczos import RULE
from engine.products.lanczos_numba import largest_of_each
from engine.products.scaled import LOG_2, products
from engine.products.spectral_norms_numba import fill_log_norms
from engine.products.spectral_norms_plain import block_log_norms, block_widths, enlarged

log = logging.getLogger(__name__)


def pairs(T):
    """t and k of every pair 1 <= k < t <= T in the order of the pair axis below: by t, then by k; NumPy."""
    t, k = np.tril_indices(T + 1, -1)
    return t[k > 0], k[k > 0]


def log_spectral_norms(J):
    """log S_{t,k} = log ||Phi_{t,k}||_2 [ELR.S] of all Phi_{t,k} = J_t ... J_{k+1} [JAC.product].

    From J (T, member, sample, H, H); the result is (pair, member, sample), in the order of `pairs`.
    -inf if a product is 0, NaN if a Jacobian of the sample is not finite.
    """
    return all_log_norms(J)[0]


def first_order_log_norms(A, B):
    """log ||prod A_j||_2 [ELR.A0] and log ||prod A_j + its first-order term in B at eps = 1||_2 [ELR.A1].

    A, B (T, member, sample, H, H); both results (pair, member, sample), as `log_spectral_norms`.
    """
    return all_log_norms(A, B)


def spectral_norm_by_lanczos(M):
    """||M||_2 over the last two axes of matrices M near unit size, to 1e-9; on a CPU faster than that of `linalg`."""
    if namespace(M) is not np:
        return linalg.spectral_norm(M)
    H = M.shape[-1]
    gram = np.ascontiguousarray((M.mT @ M).reshape(-1, H, H), np.float64)
    found = np.empty(len(gram))
    largest_of_each(gram, start_vector(H), RULE, found)
    missing = np.isnan(found)
    if missing.any():
        found[missing] = np.clip(linalg.symmetric_eigenvalues(gram[missing])[:, -1], 0, None)
    return np.sqrt(found).reshape(M.shape[:-2])


def all_log_norms(*parts):
    """The norms of the products of A and, if there is a B, of those with their first-order term: one array each."""
    xp = namespace(parts[0])
    sound = xp.all(xp.stack([xp.all(xp.isfinite(part), axis=(0, -2, -1)) for part in parts]), axis=0)
    all_sound = bool(xp.all(sound))
    if not all_sound:
        parts = [xp.where(sound[:, :, None, None], part, 0.0) for part in parts]
    found = (compiled_log_norms if xp is np else plain_log_norms)(*parts)
    found = [decomposed_where_missing(norms, parts[: i + 1]) for i, norms in enumerate(found)]
    return found if all_sound else [xp.where(sound, norms, xp.nan) for norms in found]


def plain_log_norms(*parts):
    """The norms of `all_log_norms` that the iteration proves, else NaN, on arrays of any library."""
    xp, start = namespace(parts[0]), like(parts[0], start_vector(parts[0].shape[-1]))
    found = []
    for terms in range(1, len(parts) + 1):
        logs, t, k = block_log_norms(enlarged(*parts[:terms]), start)
        order = np.lexsort((k, t))
        found.append(xp.take(logs, like(logs, order), axis=0))
    return found


def compiled_log_norms(*parts):
    """`plain_log_norms` of NumPy arrays by compiled code, several times as fast."""
    T, members, samples, H, _ = parts[0].shape
    A, B = (np.ascontiguousarray(part, np.float64).reshape(T, -1, H, H) for part in (parts[0], parts[-1]))
    found = np.empty((len(parts), members * samples, T, T))
    fill_log_norms(A, B, block_widths(T), start_vector(H)[None], RULE, found)
    t, k = pairs(T)
    return [np.ascontiguousarray(norms[:, t - 1, k - 1].T).reshape(-1, members, samples) for norms in found]


@cache
def start_vector(H):
    """The start of every iteration, a unit vector (H)."""
    v = stream(0, "transport", "start").normal(size=H)
    return v / np.linalg.norm(v)


def decomposed_where_missing(norms, parts):
    """`norms` (pair, member, sample), with NaN replaced by norms from singular value decompositions."""
    found = to_host(norms)
    missing = np.isnan(found)
    if not missing.any():
        return norms
    log.info("%d of %d spectral norms by singular value decomposition", missing.sum(), missing.size)
    T, members, samples, H, _ = parts[0].shape
    chains = [namespace(part).reshape(part, (T, members * samples, H, H)) for part in parts]
    found, missing = found.copy().reshape(-1, members * samples), missing.reshape(-1, members * samples)
    t, k = pairs(T)
    for first in np.unique(k[missing.any(axis=1)]):
        its = np.flatnonzero((k == first) & missing.any(axis=1))
        some = np.flatnonzero(missing[its].any(axis=0))
        decomposed = decomposed_log_norms(chains, some, first, t[its])
        where = np.ix_(its, some)
        found[where] = np.where(missing[where], decomposed, found[where])
    return like(norms, found.reshape(norms.shape))


def decomposed_log_norms(parts, some, k, times):
    """log norms (time, chain), NumPy, of products over k < j <= t, t in `times`, of some chains (T, chain, H, H)."""
    xp, H = namespace(parts[0]), parts[0].shape[-1]
    some, found = like(parts[0], some), []
    factors = (enlarged(*(xp.take(part[j, ...], some, axis=0) for part in parts)) for j in range(k, times[-1]))
    for t, X in enumerate(products(factors), start=k + 1):
        if t in times:
            M = X.values[:, :H, :H] + (X.values[:, :H, H:] if len(parts) == 2 else 0)
            found.append(to_host(safe.log(linalg.singular_values(M)[:, 0]) + X.exponent[:, 0, 0] * LOG_2))
    return np.stack(found)
