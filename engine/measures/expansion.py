"""First-order expansion of the product of Jacobians in the gate term (Figures 1 and 2).

F(eps) = prod_t (A_t + eps B_t) [EXP.F] is F(0) + eps L + eps^2 R(eps), with the derivative L [EXP.L]. At small eps the
difference F - F(0) - eps L would cancel all digits, so L and R are computed by recursions without subtractions. Each
matrix carries a power of two as its scale: products of any length neither underflow nor overflow.
"""

import numpy as np

from engine.common.backend import CPU, namespace, to_host
from engine.common.quantity import Quantity
from engine.common.seeding import stream
from engine.common.statistics import line_fit
from engine.measures.runs import run
from engine.network.unroll import Parameters, forward
from engine.products.linalg import spectral_norm
from engine.products.scaled import log_frobenius_norm, plus, scaled, times

TITLE = "First-order expansion of the product of Jacobians"
BY_EPSILON, BY_STEP, BY_SEED = "seed epsilon", "seed step", "seed"
QUANTITIES = {
    "truncation_error": Quantity(BY_EPSILON, "error E = ||F(eps) - T1(eps)||_F of the first order", "[EXP.E]"),
    "normalized_remainder": Quantity(BY_EPSILON, "E / eps^2", "[EXP.C2]"),
    "error_slope": Quantity(BY_SEED, "slope of log E over log eps at the five smallest eps", "[EXP.E]"),
    "relative_error": Quantity(BY_SEED, "E(1) / ||F(1)||_F", "[EXP.E]"),
    "dominant_norm": Quantity(BY_STEP, "||A_t||_2", "[JAC.split]"),
    "correction_norm": Quantity(BY_STEP, "||B_t||_2", "[JAC.split]"),
    "correction_ratio": Quantity(BY_STEP, "r_t = ||B_t||_2 / ||A_t||_2", "[JAC.split]"),
}

FITTED = 5


def measure_untrained(cell, seeds, *, T, epsilons, weight_scale=0.2, noise=0.05, device=CPU):
    """All QUANTITIES of one untrained network a seed, driven by one sequence of T steps.

    For a cell without a gate term (B = 0) the error is 0 and the slope NaN.
    """
    W, u = map(device.move, (random_weights(cell, seeds, weight_scale), sines(seeds, T, cell.inputs, noise)))
    return expand(cell, W, forward(cell, W, u, keep_tapes=False).z, epsilons, device)


def coordinates(networks, *, T, epsilons):
    """{dimension: values} of QUANTITIES."""
    return {"seed": networks.seeds, "epsilon": epsilons, "step": range(1, T + 1)}


def measure(networks, task, *, T, epsilons, device=CPU):
    """All QUANTITIES of the last checkpoint of trained networks, each driven by one sequence of a task."""
    last = Parameters(*(device.move(p[-1].astype("float64")) for p in networks.parameters))
    trajectory, _ = run(networks, last, task, networks.seeds, T=T, batch=1, device=device)
    return expand(networks.cell, last.W, trajectory.z, epsilons, device)


def expand(cell, W, z, epsilons, device):
    """All QUANTITIES, NumPy, of networks W (member, row, column) along one sequence each, z (T, member, H + n, 1)."""
    eps = device.move(np.array([*epsilons, 1.0]))
    log_C2, log_F = (to_host(x) for x in error_logs(parts_by_step(cell, W, z), eps))
    return step_norms(parts_by_step(cell, W, z)) | summarize(epsilons, log_C2[:, :-1], log_C2[:, -1], log_F)


def parts_by_step(cell, W, z):
    """Yields A_t and B_t (member, H, H) of a single sequence: those of all steps together may be too large."""
    for t in range(z.shape[0]):
        A, B = cell.step_jacobian(W, z[t, ...])
        yield A[:, 0, ...], B[:, 0, ...]


def summarize(epsilons, log_C2, log_C2_at_1, log_F_at_1):
    """Errors over eps, their slope from log C2 (member, epsilon), the relative error from logs at eps = 1 (member,)."""
    log_eps = np.log(epsilons)
    log_E = log_C2 + 2 * log_eps
    smallest = np.argsort(log_eps)[:FITTED]
    with np.errstate(invalid="ignore"):  # log 0 = -inf where B = 0
        slopes = [line_fit(log_eps[smallest], row[smallest])[0] for row in log_E]
    return {
        "truncation_error": np.exp(log_E),
        "normalized_remainder": np.exp(log_C2),
        "error_slope": np.array(slopes),
        "relative_error": np.exp(log_C2_at_1 - log_F_at_1),
    }


def random_weights(cell, seeds, scale):
    """W (member, row, H + n) with entries N(0, scale^2); cells share the weights that they share by name."""
    shapes = {name: view.shape for name, view in cell.unpack(np.empty(cell.shape)).items()}
    return cell.pack(
        {
            name: np.stack([stream(seed, "expansion", "weights", name).normal(0, scale, shape) for seed in seeds])
            for name, shape in shapes.items()
        }
    )


def sines(seeds, T, n, noise):
    """Inputs (T, member, n, 1): channel i is sin(f_i s + p_i) + N(0, noise^2) over s = 0..12, p_i ~ N(0, 1)."""
    s, f = np.linspace(0, 12, T)[:, None], np.linspace(0.03, 0.09, n)

    def draw(seed):
        phase = stream(seed, "expansion", "phases").normal(size=n)
        return np.sin(f * s + phase) + stream(seed, "expansion", "noise").normal(0, noise, (T, n))

    return np.stack([draw(seed) for seed in seeds], axis=1)[..., None]


def step_norms(parts):
    """||A_t||_2, ||B_t||_2 and r_t, each (member, T), NumPy, from A_t, B_t (member, H, H) of each step; to 1e-14."""
    norms = [[to_host(spectral_norm(part)) for part in both] for both in parts]
    dominant, correction = (np.stack(norm, axis=1) for norm in zip(*norms, strict=True))
    return {
        "dominant_norm": dominant,
        "correction_norm": correction,
        "correction_ratio": correction / dominant,
    }


def error_logs(parts, eps):
    """log ||R(eps)||_F = log C2(eps) [EXP.C2] (member, epsilon), and log ||F(1)||_F (member,).

    From A_t, B_t (member, H, H) of each step and eps (epsilon,).
    """
    xp, eps = namespace(eps), eps[:, None, None]
    steps = ((A[:, None, ...], B[:, None, ...]) for A, B in parts)
    A, B = next(steps)
    F0, F1, L = scaled(A), scaled(A + B), scaled(B)
    R = scaled(xp.zeros_like(A + eps))
    for A, B in steps:
        R = plus(times(A + eps * B, R), times(B, L))
        L = plus(times(A, L), times(B, F0))
        F0, F1 = times(A, F0), times(A + B, F1)
    return log_frobenius_norm(R), log_frobenius_norm(F1)[:, 0]
