"""[ALIGN.state] Alignment of the transport of states with the direction that the loss reads, w = W_o^T / ||W_o||.

For several outputs w runs over an orthonormal basis of the rows of W_o, and energies and squared efficiencies are means
over it.

The products Phi_{T,T-h} = J_T ... J_{T-h+1} end at time T, where the readout is. Rounding changes a product by about
eps s_1, which rotates singular vectors towards each other, the more the closer their singular values are:
`energy_error` bounds the effect on the energy. Samples with a bound above ENERGY_ERROR, for example if s_r = s_{r+1}
and the subspace is not defined, are counted and left out.
"""

import numpy as np

from engine.common.backend import namespace
from engine.common.quantity import Quantity
from engine.common.safe import ROUNDING, log, ratio
from engine.common.statistics import log_median
from engine.measures.chains import jacobian_products_to_the_end
from engine.network.unroll import SQUARED_ERROR
from engine.products.linalg import left_singular_vectors
from engine.products.scaled import LOG_2
from engine.products.spectral_norms import spectral_norm_by_lanczos

QUANTITIES = {
    "log_transport_norm": Quantity(
        "seed checkpoint lag", "log of the median over samples of ||Phi_{T,T-h}||_2", "[ELR.S]"
    ),
    "transport_efficiency": Quantity(
        "seed checkpoint lag", "mean over samples of ||Phi^T w|| / ||Phi||_2, Phi = Phi_{T,T-h}", "[ALIGN.state]"
    ),
    "alignment_energy": Quantity(
        "seed checkpoint probed_lag", "mean over resolved samples of ||U_r^T w||^2, r largest s_i", "[ALIGN.state]"
    ),
    "alignment_gain": Quantity(
        "seed checkpoint probed_lag", "alignment energy over that of a random direction, r / H", "[ALIGN.state]"
    ),
    "unresolved_samples": Quantity(
        "seed checkpoint probed_lag", "samples left out: rounding may change ||U_r^T w||^2 by 1e-3", "[ALIGN.state]"
    ),
}

ENERGY_ERROR = 1e-3
DEPENDENT = 1e-10  # a row of W_o has no direction of its own if this share of it is left, which rounding can make


def transport(cell, parameters, z, lags, r, loss=SQUARED_ERROR):
    """log ||Phi||_2 and efficiency (lag 0..T-1, member, sample), energy and its error (probed lag, member, sample).

    `lags` are whole numbers below T; the energy is that of w in the left singular vectors of the r largest s_i.
    """
    xp = namespace(z)
    w = read_directions(cell, loss.directions(parameters.W_o))
    log_norms, efficiencies, subspaces = [], [], {}
    for h, (Phi, exponent) in enumerate(jacobian_products_to_the_end(cell, parameters.W, z)):
        norm = spectral_norm_by_lanczos(Phi)
        log_norms.append(log(norm) + exponent[..., 0, 0] * LOG_2)
        efficiencies.append(ratio(xp.sqrt(sum_of_squares(w @ Phi)), norm))
        if h in lags:
            subspaces[h] = subspace_energy(Phi, w, r)
    energies, errors = zip(*(subspaces[h] for h in lags), strict=True)
    return tuple(xp.stack(x) for x in (log_norms, efficiencies, energies, errors))


def read_directions(cell, W_o):
    """w^T as (member, 1, direction, state), for products with (member, sample, state, state).

    An orthonormal basis of the rows of W_o divided by the root of their number, so that a sum of squares over it is the
    mean over directions. NaN if W_o is 0.
    """
    xp = namespace(W_o)
    w = cell.lam_of_output(xp.matrix_transpose(W_o[:, :, : cell.units]))
    basis = orthonormal_rows(xp.matrix_transpose(w))
    directions = xp.sum(xp.astype(xp.any(basis != 0, axis=2), W_o.dtype), axis=1)
    return ratio(basis, xp.sqrt(directions)[:, None, None])[:, None, ...]


def orthonormal_rows(x):
    """A basis of the rows of x (member, row, column) by Gram-Schmidt; 0 where a row depends on those before it."""
    xp, basis = namespace(x), x[:, :1, :]
    for i in range(x.shape[1]):
        row = rest = x[:, i : i + 1, :]
        for _ in range(2 if i else 0):  # the second time takes off what rounding has left
            rest = rest - rest @ xp.matrix_transpose(basis) @ basis
        norm = vector_norm(rest)[..., None]
        own = norm > DEPENDENT * vector_norm(row)[..., None]
        unit = xp.where(own, rest, 0) / xp.where(own, norm, 1)
        if i == 0:
            basis = unit
        elif xp.any(own):
            basis = xp.concat([basis, unit], axis=1)
    return basis


def subspace_energy(Phi, w, r):
    """||U_r^T w||^2 and a bound on its error by the rounding of Phi, each (member, sample)."""
    U, s = left_singular_vectors(Phi)
    along = w @ U
    return sum_of_squares(along[..., :r]), energy_error(s, along, r)


def energy_error(s, along, r):
    """Change of ||U_r^T w||^2 by a perturbation of Phi of size ROUNDING s_1 in every direction; (member, sample).

    From the singular values s (member, sample, H) and along = w^T U (member, sample, direction, H). In first-order
    perturbation theory u_i and u_j turn by angle_ij = ROUNDING s_1 sqrt(s_i^2 + s_j^2) / (s_i^2 - s_j^2); the sum of
    squares of all angles stands for higher orders. NaN if s_r = s_{r+1}.
    """
    xp = namespace(s)
    i, j = s[..., :r, None], s[..., None, r:]
    angle = ratio(ROUNDING * s[..., :1, None] * xp.sqrt(i * i + j * j), (i - j) * (i + j))
    turned = xp.sum(angle[..., None, :, :] * along[..., :r, None] * along[..., None, r:], axis=-3)
    return 2 * xp.sqrt(sum_of_squares(turned)) + sum_of_squares(angle)


def sum_of_squares(x):
    """Over the last two axes."""
    xp = namespace(x)
    return xp.sum(xp.sum(x * x, axis=-1), axis=-1)


def vector_norm(x):
    """2-norm over the last axis."""
    xp = namespace(x)
    return xp.sqrt(xp.sum(x * x, axis=-1))


def summarize(log_norms, efficiencies, energies, errors, r, state_size):
    """All QUANTITIES of one checkpoint from `transport`, NumPy.

    Energies are means over the resolved samples (as the chance r/H is a mean), NaN if fewer than half are resolved.
    """
    resolved = errors < ENERGY_ERROR
    count = resolved.sum(axis=2)
    energy = ratio(np.where(resolved, energies, 0).sum(axis=2), np.where(2 * count < resolved.shape[2], 0, count)).T
    return {
        "log_transport_norm": log_median(log_norms, axis=2).T,
        "transport_efficiency": efficiencies.mean(axis=2).T,
        "alignment_energy": energy,
        "alignment_gain": energy * (state_size / r),
        "unresolved_samples": (resolved.shape[2] - count).T.astype(float),
    }
