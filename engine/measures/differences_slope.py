"""The slope of log S on log P0 with the released code's power iteration and guards instead of the norm."""

import numpy as np

from engine.common.backend import CPU, namespace, to_host
from engine.common.quantity import Quantity
from engine.common.statistics import log_mean
from engine.measures.chains import full_jacobians
from engine.measures.differences import GUARD, log_power_norm, start_vectors
from engine.measures.each import measure_each
from engine.measures.effective_lr import gate_products, power_fit, products_of_gates
from engine.measures.lag_profiles import log_gates_over_time
from engine.measures.runs import run
from engine.products.scaled import products
from engine.products.spectral_norms import log_spectral_norms, pairs

TITLE = "Slope of log S on log P0, by definition and in the released code"
QUANTITIES = {
    "slope": Quantity("seed checkpoint slope_departure", "slope s of log S on log P0", "[ELR.slope]"),
}
DEPARTURES = ("exact", "power_iteration", "guarded", "power_iteration_guarded", "one_more_gate")


def coordinates(networks, **_):
    """{dimension: values} of QUANTITIES."""
    return {"seed": networks.seeds, "checkpoint": networks.checkpoints, "slope_departure": list(DEPARTURES)}


def measure(networks, task, *, T, probe_batch, device=CPU, members_per_pass=None):
    """QUANTITIES of a gated cell: power iteration as S, log(S + 1e-12) as log S, both, `one_more_gate` as P0."""
    cell = networks.cell

    def slopes(parameters, seeds):
        z = run(networks, parameters, task, seeds, T=T, batch=probe_batch, device=device)[0].z
        J = full_jacobians(cell, parameters.W, z)
        start = device.move(start_vectors(seeds, probe_batch, cell.state_size))
        norm, power = to_host(log_spectral_norms(J)), to_host(log_power_norms(J, start))
        log_P = to_host(gate_products(cell, parameters.W, z)["log_gate_product"])
        longer = to_host(one_more_gate(cell, parameters.W, z))
        points = [(log_P, log_S) for log_S in (norm, power, guarded(norm), guarded(power))] + [(longer, norm)]
        return {"slope": np.stack([power_fit(*found).slope for found in points], axis=1)}

    title = f"{task} {cell.name}: differences of slopes"
    return measure_each(networks, slopes, title, device=device, members_per_pass=members_per_pass)


def guarded(log_S):
    """log(S + 1e-12)."""
    return np.logaddexp(log_S, np.log(GUARD))


def one_more_gate(cell, W, z):
    """log prod_{j=k..t} g_j, h + 1 gates for h Jacobians: (pair, member, sample); mean over units as in P0."""
    t, k = pairs(z.shape[0])
    log_g, _ = log_gates_over_time(cell, W, z)
    return log_mean(products_of_gates(log_g, t, k - 1), axis=2)


def log_power_norms(J, v):
    """`log_power_norm` of all products of J (T, member, sample, H, H): by pair, as `log_spectral_norms`."""
    T, found = J.shape[0], {}
    for k in range(1, T):
        for t, Phi in enumerate(products(J[t, ...] for t in range(k, T)), start=k + 1):
            found[t, k] = log_power_norm(Phi, v)
    return namespace(J).stack([found[key] for key in zip(*map(np.ndarray.tolist, pairs(T)), strict=True)])
