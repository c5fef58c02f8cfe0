"""Gates as optimizers, time scales, alignment: section 8 of docs/theory.md, measured in one pass."""

from engine.common.backend import CPU, to_host
from engine.measures import alignment, gate_fits, lag_profiles, step_sizes, timescales
from engine.measures.each import measure_each
from engine.measures.lag_profiles import (
    gate_product_profile,
    gate_products_to_the_end,
    gradient_norms,
    log_gates_over_time,
)
from engine.measures.runs import run
from engine.network.unroll import loss_and_error
from engine.tasks import make_task

TITLE = "Gates as optimizers, time scales, alignment"
QUANTITIES = (
    lag_profiles.QUANTITIES
    | gate_fits.QUANTITIES
    | step_sizes.QUANTITIES
    | timescales.QUANTITIES
    | alignment.QUANTITIES
)


def coordinates(networks, *, T, lags, **_):
    """{dimension: values} of all QUANTITIES of these networks."""
    return networks.cell.unit_coordinates | {
        "seed": networks.seeds,
        "checkpoint": networks.checkpoints,
        "lag": range(T),
        "probed_lag": lags,
        "profile": gate_fits.PROFILES,
        "weight": lag_profiles.weight_names(networks.cell),
        "estimator": timescales.ESTIMATORS,
        "quantile": timescales.QUANTILES,
    }


def measure(networks, task, *, T, probe_batch, samples, lags, r, device=CPU, members_per_pass=None):
    """All QUANTITIES on one fixed probe batch a seed; Jacobian products along its first `samples` samples.

    Singular vectors and gate products of units are measured at `lags` (below T); r is the rank of the subspace.
    """
    loss = make_task(task).loss
    cell, units = networks.cell, len(networks.cell.unit_coordinates["unit"])

    def gates(parameters, seeds):
        on = {"T": T, "batch": probe_batch, "device": device}
        trajectory, y = run(networks, parameters, task, seeds, **on, keep_tapes=True)
        _, error = loss_and_error(cell, parameters, trajectory, y, loss)
        norms = gradient_norms(cell, parameters, trajectory, error)
        carried = alignment.transport(cell, parameters, trajectory.z[..., :samples], lags, r, loss)
        aligned = alignment.summarize(*(to_host(x) for x in carried), r, cell.state_size)
        log_g, log_retained = log_gates_over_time(cell, parameters.W, trajectory.z)
        products, retained = gate_products_to_the_end(log_g), gate_products_to_the_end(log_retained)
        log_update, log_retention = gate_product_profile(products), gate_product_profile(retained)
        log_transport = aligned["log_transport_norm"]
        return {
            "log_gradient_norm": norms.by_weight,
            "log_update_product": log_update,
            "log_retention_product": log_retention,
            **gate_fits.gate_fits(log_transport, log_update, log_retention, norms.by_weight[:, 0]),
            **step_sizes.gate_steps(log_g, products, lags, units),
            **timescales.time_scales(log_retained, log_transport, norms, units, cell.gate_for_each_unit),
            **aligned,
        }

    return measure_each(networks, gates, f"{task} {cell.name}: gates", device=device, members_per_pass=members_per_pass)
