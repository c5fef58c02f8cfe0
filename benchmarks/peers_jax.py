"""The training update in JAX: jit, lax.scan over time, vmap over the members of an ensemble, SGD.

The product with the inputs is taken for all steps at once, and candidate and gate share one product.
"""

from functools import partial

import jax
import jax.numpy as jnp
import numpy as np
from problem import GATES


def predict(name, alpha, weights, u):
    """y_hat (batch,) of one member from u (T, batch, n)."""
    names = [("W_r", "W_i"), *GATES.get(name, [])]
    recurrent, driven = (jnp.vstack([weights[pair[side]] for pair in names]).T for side in (0, 1))
    H = weights["W_r"].shape[0]

    def leaky(state, d):
        p = d + state[0] @ recurrent
        phi = jnp.tanh(p[:, :H])
        if name == "plain":
            return (phi,), None
        g = jax.nn.sigmoid(p[:, H:]) if name in GATES else alpha
        return ((1 - g) * state[0] + g * phi,), None

    def gru(state, d):
        p = state[0] @ recurrent
        r, z = jnp.split(jax.nn.sigmoid(p[:, H:] + d[:, H:]), 2, axis=1)
        return (z * state[0] + (1 - z) * jnp.tanh(d[:, :H] + r * p[:, :H]),), None

    def lstm(state, d):
        p = d + state[0] @ recurrent
        i, f, o = jnp.split(jax.nn.sigmoid(p[:, H:]), 3, axis=1)
        c = f * state[1] + i * jnp.tanh(p[:, :H])
        return (o * jnp.tanh(c), c), None

    start = (jnp.zeros((u.shape[1], H), u.dtype),) * (2 if name == "lstm" else 1)
    state, _ = jax.lax.scan({"gru": gru, "lstm": lstm}.get(name, leaky), start, u @ driven)
    return state[0] @ weights["W_o"][0]


@partial(jax.jit, static_argnums=(0, 1), donate_argnums=2)
def sgd(name, alpha, weights, u, y, rate):
    """One update of every member: new weights, losses (member,), gradients."""

    def loss(w, u, y):
        return jnp.mean((predict(name, alpha, w, u) - y) ** 2)

    losses, gradients = jax.vmap(jax.value_and_grad(loss))(weights, u, y)
    return jax.tree.map(lambda w, g: w - rate * g, weights, gradients), losses, gradients


def make_update(name, weights, u, y, rate, alpha):
    """update() and gradient() -> {name: NumPy (member, ...)} of the last update.

    Weights by name, u (member, T, batch, n) and y (member, batch), NumPy.
    """
    state = {"weights": jax.tree.map(jnp.asarray, weights)}
    u, y = jnp.asarray(u), jnp.asarray(y)

    def update():
        state["weights"], loss, state["gradient"] = sgd(name, alpha, state["weights"], u, y, rate)
        loss.block_until_ready()

    def gradient():
        return {name: np.asarray(g) for name, g in state["gradient"].items()}

    return update, gradient
