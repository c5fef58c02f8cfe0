"""[ALIGN.state] Does the transport of states end in the direction that the loss reads, w = W_o^T / ||W_o||?

The products Phi_{T,T-h} = J_T ... J_{T-h+1} end at time T, where the readout is. Each is carried at unit size beside
its log scale. Their singular values s_i are exact to ROUNDING s_1: a subspace counts as resolved where s_r lies far
enough above that for its energy to be good to about 1e-3.
"""

import numpy as np

from engine.common.backend import identity, namespace, zeros
from engine.common.quantity import Quantity
from engine.common.statistics import log_median
from engine.network.unroll import lambda_T
from engine.products.linalg import left_singular_vectors, spectral_norm

QUANTITIES = {
    "log_transport_norm": Quantity(
        "seed checkpoint lag", "log of the median over samples of ||Phi_{T,T-h}||_2", "[ELR.S]"
    ),
    "transport_efficiency": Quantity(
        "seed checkpoint lag", "mean over samples of ||Phi^T w|| / ||Phi||_2, Phi = Phi_{T,T-h}", "[ALIGN.state]"
    ),
    "alignment_energy": Quantity(
        "seed checkpoint probed_lag", "mean over samples of ||U_r^T w||^2 for the r largest s_i", "[ALIGN.state]"
    ),
    "alignment_gain": Quantity(
        "seed checkpoint probed_lag", "alignment energy over that of a random direction, r / H", "[ALIGN.state]"
    ),
    "unresolved_samples": Quantity(
        "seed checkpoint probed_lag", "samples whose s_r is below the accuracy of double precision", "[ALIGN.state]"
    ),
}

RESOLVED = 1e3 * float(np.finfo(np.float64).eps) / 1e-3


def transport(cell, parameters, z, lags, r):
    """log ||Phi||_2 and efficiency (lag 0..T-1, member, sample), energy and s_r / s_1 (probed lag, member, sample).

    `lags` are whole numbers below T; the energy is that of w in the left singular vectors of the r largest s_i.
    """
    xp = namespace(z)
    w = unit_readout(cell, parameters.W_o)
    log_norms, efficiencies, subspaces = [], [], {}
    for h, (Phi, log_scale) in enumerate(jacobian_products_to_the_end(cell, parameters.W, z)):
        norm = spectral_norm(Phi)
        log_norms.append(log(norm) + log_scale)
        efficiencies.append(ratio(vector_norm(w @ Phi)[..., 0], norm))
        if h in lags:
            subspaces[h] = subspace_energy(Phi, w, r)
    energies, ratios = zip(*(subspaces[h] for h in lags), strict=True)
    return tuple(xp.stack(x) for x in (log_norms, efficiencies, energies, ratios))


def jacobian_products_to_the_end(cell, W, z):
    """Yields Phi_{T,T-h} over h = 0..T-1 as values (member, sample, H, H) of size 1 and a log scale (member, sample).

    A product that is 0, as in a plain cell whose units all saturate, stays 0 with the log scale -inf.
    """
    xp = namespace(z)
    T, members, _, samples = z.shape
    H = cell.state_size
    Phi = xp.broadcast_to(identity(z, H), (members, samples, H, H))
    log_scale = zeros(z, members, samples)
    yield Phi, log_scale
    for t in range(T - 1, 0, -1):
        A, B = cell.step_jacobian(W, z[t, ...])
        Phi = Phi @ (A + B)
        peak = xp.max(xp.abs(Phi), axis=(-2, -1))
        Phi, log_scale = Phi / xp.where(peak > 0, peak, 1)[..., None, None], log_scale + log(peak)
        yield Phi, log_scale


def unit_readout(cell, W_o):
    """w^T as (member, 1, 1, state), ready for products with (member, sample, state, state); NaN where W_o is 0."""
    xp = namespace(W_o)
    w = xp.matrix_transpose(lambda_T(cell, W_o, xp.ones_like(W_o[:, :, :1])))
    return ratio(w, vector_norm(w)[..., None])[:, None, ...]


def subspace_energy(Phi, w, r):
    """||U_r^T w||^2 and s_r / s_1, each (member, sample)."""
    xp = namespace(Phi)
    U, s = left_singular_vectors(Phi)
    along = (w @ U[..., :r])[..., 0, :]
    return xp.sum(along * along, axis=-1), ratio(s[..., r - 1], s[..., 0])


def vector_norm(x):
    """2-norm over the last axis."""
    xp = namespace(x)
    return xp.sqrt(xp.sum(x * x, axis=-1))


def log(x):
    """log x, -inf for 0."""
    xp = namespace(x)
    return xp.where(x > 0, xp.log(xp.where(x > 0, x, 1)), -float("inf"))


def ratio(x, y):
    """x / y, NaN where y is 0."""
    xp = namespace(y)
    return xp.where(y > 0, x / xp.where(y > 0, y, 1), xp.nan)


def summarize(log_norms, efficiencies, energies, ratios, r, state_size):
    """All QUANTITIES of one checkpoint from `transport`, NumPy; energies are NaN where one sample is not resolved."""
    unresolved = (~(ratios > RESOLVED)).sum(axis=2).T
    energy = np.where(unresolved > 0, np.nan, energies.mean(axis=2).T)
    return {
        "log_transport_norm": log_median(log_norms, axis=2).T,
        "transport_efficiency": efficiencies.mean(axis=2).T,
        "alignment_energy": energy,
        "alignment_gain": energy * (state_size / r),
        "unresolved_samples": unresolved.astype(float),
    }
