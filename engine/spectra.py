"""[ANI.J] All singular values of products of Jacobians."""

from engine.backend import namespace


def log_singular_values(J):
    """log s_1 >= ... >= s_H of J_h ... J_1, (batch..., H), from the factors J (h, batch..., H, H).

    NaN where double precision does not resolve a value.
    """
    xp = namespace(J)
    X, log_scale = J[0, ...], 0
    for t in range(1, J.shape[0]):
        X = J[t, ...] @ X
        peak = xp.max(xp.abs(X), axis=(-2, -1), keepdims=True)
        X, log_scale = X / peak, log_scale + xp.log(peak[..., 0])
    s = xp.linalg.svd(X, full_matrices=False)[1]
    resolved = s > 1e-9 * s[..., :1]
    return xp.where(resolved, xp.log(xp.where(resolved, s, 1)) + log_scale, xp.nan)
