"""[ELR.diag] The effective rate of each unit, exact and to first order, and how well the first order tells it."""

from math import log

import numpy as np

from engine.common import safe
from engine.common.backend import identity, like, namespace, to_host
from engine.common.quantity import Quantity
from engine.common.statistics import line_fit, log_mean, rank_correlation
from engine.measures.lag_profiles import log_gates_over_time
from engine.products.diagonals import log_diagonals
from engine.products.scaled import scaled, shifted

BY_LAG, BY_NETWORK = "seed predictor_checkpoint lag", "seed predictor_checkpoint"
QUANTITIES = {
    "log_unit_rate": Quantity(
        f"{BY_LAG} unit", "log of the mean over samples and t of |mu [Phi_{t,t-h}]_qq|", "[ELR.diag]"
    ),
    "log_first_order_unit_rate": Quantity(
        f"{BY_LAG} unit", "log of the mean over samples and t of mu |Gamma0 + Gamma1|", "[ELR.diag]"
    ),
    "log_envelope": Quantity(BY_LAG, "log of the envelope f(h), the sum of the unit rates", "[ELR.diag]"),
    "log_first_order_envelope": Quantity(BY_LAG, "log of the envelope f(h) to first order", "[ELR.diag]"),
    "envelope_rank_correlation": Quantity(
        BY_NETWORK, "Spearman's correlation over lags of the envelope, first order and exact", "[ELR.diag]"
    ),
    "envelope_correlation": Quantity(
        BY_NETWORK, "Pearson's correlation over lags of log10 f, first order and exact", "[ELR.diag]"
    ),
    "envelope_slope_ratio": Quantity(
        BY_NETWORK, "slope of log f over lags to first order, divided by the exact one", "[ELR.diag]"
    ),
}


def means_of_all(cell, W, z, J):
    """log of the mean over all pairs of |[Phi]_qq| and of |Gamma0 + Gamma1| of each unit q, NumPy (member, lag, unit).

    Along a trajectory's z, with the Jacobians J (T, member, sample, H, H). Of an LSTM the units are those of c.
    """
    by_pair, t, k = log_diagonals(J)
    exact = means_by_lag(by_pair, t - k)[..., np.array(cell.memory_rows)]
    return exact, to_host(namespace(J).stack(list(first_order(cell, W, z, J)), axis=1))


def means_by_lag(log_x, lag):
    """log of the mean of x over pairs of one lag and samples, NumPy (member, lag, unit)."""
    xp = namespace(log_x)

    def mean(h):
        some = xp.take(log_x, like(log_x, np.flatnonzero(lag == h)), axis=0)
        return log_mean(log_mean(some, axis=0), axis=1)

    return to_host(xp.stack([mean(h) for h in np.unique(lag)], axis=1))


def summarize(exact, first, rate):
    """All QUANTITIES (member, ...), NumPy, from the two of `means_of_all` and the step size mu."""
    found, units = {}, exact.shape[-1]
    for name, rates in {"": exact, "first_order_": first}.items():
        found[f"log_{name}unit_rate"] = log(rate) + rates
        found[f"log_{name}envelope"] = log(rate * units) + log_mean(rates, axis=-1)
    return found | agreement(found["log_envelope"], found["log_first_order_envelope"])


def first_order(cell, W, z, J):
    """Yields log of the mean over samples and t of |Gamma0 + Gamma1| (member, unit), at h = 1, 2, ...

    Without a division: from one lag to the next, Gamma0 becomes (1 - g_j) Gamma0, Gamma1 (1 - g_j) Gamma1 + d_j Gamma0.
    """
    xp, T = namespace(J), J.shape[0]
    retained, d = diagonal_parts(cell, W, z, J)
    X = scaled(xp.stack([retained, d], axis=-1), axes=(-1,))
    for h in range(1, T):
        total = xp.abs(xp.sum(X.values, axis=-1))
        log_total = safe.log(total) + X.exponent[..., 0] * log(2)
        yield log_mean(log_mean(log_total, axis=0), axis=1)
        r, d_j = (x[: T - 1 - h, ...] for x in (retained, d))
        gamma0, gamma1 = (X.values[1:, ..., i] for i in range(2))
        X = shifted(xp.stack([r * gamma0, r * gamma1 + d_j * gamma0], axis=-1), X.exponent[1:, ...], axes=(-1,))


def diagonal_parts(cell, W, z, J):
    """1 - g_j and d_j = diag(J_j) - (1 - g_j), each (T - 1, member, sample, unit): of the steps 2..T."""
    xp, rows = namespace(J), like(J, np.array(cell.memory_rows))
    log_retained = xp.matrix_transpose(log_gates_over_time(cell, W, z)[1][1:, ...])
    diagonal = xp.take(xp.sum(J[1:, ...] * identity(J, J.shape[-1]), axis=-1), rows, axis=-1)
    retained = xp.exp(log_retained) + xp.zeros_like(diagonal)
    return retained, diagonal - retained


def agreement(exact, first):
    """How well log f (member, lag) to first order tells the exact one, over the lags at which neither is 0."""
    lags, used = np.arange(1.0, 1 + exact.shape[-1]), np.isfinite(exact) & np.isfinite(first)
    slope, _, r_squared = line_fit(exact, first, used)
    of_first, of_exact = (line_fit(np.broadcast_to(lags, f.shape), f, used)[0] for f in (first, exact))
    return {
        "envelope_rank_correlation": rank_correlation(exact, first),
        "envelope_correlation": np.sign(slope) * np.sqrt(r_squared),
        "envelope_slope_ratio": of_first / of_exact,
    }
