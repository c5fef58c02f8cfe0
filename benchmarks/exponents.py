"""All Lyapunov exponents of a rate network: a step of the engine beside a plain loop in NumPy and one in JAX."""

from functools import partial
from itertools import repeat

import jax
import jax.numpy as jnp
import numpy as np
from one_core import interleaved
from report import Row

from engine.cells import make_cell
from engine.measures.lyapunov import jacobians_along, random_networks
from engine.products.growth_rates import growth_rates, random_directions

GAIN = 3.0
STEPS = {64: 400, 128: 200, 256: 100, 512: 40}  # of a run, by the number of units
ALPHAS = (1.0, 0.5)  # of the leaky cell; with the smaller one directions grow and shrink more slowly
FIRST = 5  # steps in which rounding cannot grow along a chaotic trajectory


def engine_loop(cell, W, x, directions, steps):
    """Exponents (H,), with a factorization after as many steps as the growth allows."""
    J = jacobians_along(cell, W, x[None, :, None], repeat(np.zeros((1, cell.inputs, 1))))
    return growth_rates(J, directions, transient=0, block=steps, blocks=1)[0, 0, 0]


def numpy_loop(W_r, alpha, x, Q, steps):
    """The same with an orthogonalization at every step."""
    growth = 0.0
    for _ in range(steps):
        phi = np.tanh(W_r @ x)
        x = (1 - alpha) * x + alpha * phi
        Q, R = np.linalg.qr((1 - alpha) * Q + (alpha * (1 - phi * phi))[:, None] * (W_r @ Q))
        growth = growth + np.log(np.abs(np.diagonal(R)))
    return growth / steps


@partial(jax.jit, static_argnums=4)
def jax_loop(W_r, alpha, x, Q, steps):
    """The same as `numpy_loop`, compiled."""

    def step(carry, _):
        x, Q, growth = carry
        phi = jnp.tanh(W_r @ x)
        x = (1 - alpha) * x + alpha * phi
        Q, R = jnp.linalg.qr((1 - alpha) * Q + (alpha * (1 - phi * phi))[:, None] * (W_r @ Q))
        return (x, Q, growth + jnp.log(jnp.abs(jnp.diagonal(R)))), None

    return jax.lax.scan(step, (x, Q, jnp.zeros_like(x)), length=steps)[0][2] / steps


def loops(H, alpha):
    """{name: a function of the number of steps}, in double precision, after all of them gave the same exponents."""
    cell, Q = make_cell("leaky", H, 1, alpha=alpha), random_directions(H, H)
    W = random_networks(cell, (0,), GAIN).parameters.W[0]
    W_r, x = cell.unpack(W)["W_r"][0], np.random.default_rng(0).normal(size=H)
    in_jax = partial(jax_loop, *map(jnp.asarray, (W_r, alpha, x, Q)))
    found = {
        "engine": partial(engine_loop, cell, W, x, Q),
        "NumPy": partial(numpy_loop, W_r, alpha, x, Q),
        "JAX": lambda steps: np.asarray(in_jax(steps)),
    }
    first = [loop(FIRST) for loop in found.values()]
    for other in first[1:]:
        np.testing.assert_allclose(other, first[0], atol=1e-9)
    return found


def rows(alpha, rounds=5):
    """A step at each H, the peers' times as ratios, and the power of H with which a step grows."""
    found, cost = [], {}
    for H, steps in STEPS.items():
        times = interleaved({name: partial(loop, steps) for name, loop in loops(H, alpha).items()}, rounds)
        cost[H] = times["engine"] / steps
        label = f"alpha = {alpha:g}, H = {H}"
        found.append(Row(f"{label}: a step of all exponents", cost[H] * 1e3, "ms"))
        found += [
            Row(f"{label}: {peer}, a QR at every step", times[peer] / times["engine"]) for peer in ("NumPy", "JAX")
        ]
    power = np.log(cost[512] / cost[128]) / np.log(512 / 128)
    return [*found, Row(f"alpha = {alpha:g}: power of H with which a step grows from H = 128 to 512", power)]


def all_rows():
    with jax.enable_x64(True):
        return [row for alpha in ALPHAS for row in rows(alpha)]


SECTIONS = {"Lyapunov exponents": all_rows}
