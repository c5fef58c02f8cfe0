"""The updates of one pass: some members of a training, as arrays with a member axis, and the state that they change."""

from collections.abc import Callable
from dataclasses import dataclass, field

import numpy as np

from engine.cells import Cell
from engine.common.backend import namespace, to_host
from engine.network.unroll import Parameters
from engine.optimizers import Rule
from engine.training.update_statistics import adaptive_steps, update_statistics


@dataclass
class State:
    """The state of a pass between two updates: its later updates and its result depend on nothing else that changes."""

    parameters: Parameters  # (member, ...), on the device
    rule_states: list  # what the rule keeps, tuples of arrays like W and like W_o
    k: int = 0  # the next update
    losses: list = field(default_factory=list)  # (member,) of each update, on the device
    probes: list = field(default_factory=list)  # [W, W_o] at each checkpoint, on the host
    records: list = field(default_factory=list)  # {name: (member, ...)} at each checkpoint, on the host
    redrawn: np.ndarray | int = 0  # (member,), paths that the task drew again

    def tree(self):
        """A tree of arrays, as engine.training.checkpoint keeps it."""
        return {
            "parameters": self.parameters,
            "rule_states": self.rule_states,
            "k": np.array(self.k),
            "losses": stacked(self.losses),
            "probes": self.probes,
            "records": self.records,
            "redrawn": np.array(self.redrawn),
        }

    def restore(self, tree, device):
        """Takes over the state that `tree` was made of; a branch without arrays is not in the tree."""
        states = tree.get("rule_states", [()] * len(self.rule_states))
        for ours, kept in zip([self.parameters, *self.rule_states], [tree["parameters"], *states], strict=True):
            for x, values in zip(ours, kept, strict=True):
                x[...] = device.move(values)
        losses = device.move(tree["losses"])
        self.k, self.redrawn = int(tree["k"]), tree["redrawn"]
        self.losses = [losses[k, ...] for k in range(losses.shape[0])]
        self.probes, self.records = tree.get("probes", []), tree.get("records", [])


def first_state(rule, parameters):
    """The State before the first update."""
    return State(parameters, [rule.start(p) for p in parameters])


def stacked(losses):
    """(update, member), NumPy, from one loss (member,) an update."""
    return to_host(namespace(losses[0]).stack(losses))


@dataclass(frozen=True)
class Pass:
    """The updates of some members: their inputs, functions and State."""

    cell: Cell
    rule: Rule
    rate: Callable  # of update k
    updates: int
    checkpoints: frozenset
    gradient: Callable  # (parameters, u, y) -> loss (member,), Parameters
    batches: Callable  # range of updates -> for each u (T, member, n, batch), y, redrawn (member,)
    probe: Callable  # (W, W_o) on the host -> {name: (member,)}
    state: State

    def run(self):
        """Makes all updates that are left; yields the loss (member,) of each."""
        state, last = self.state, self.updates
        # The last checkpoint has no update after it: its step is computed, at the last rate, and not taken.
        steps = range(state.k, last + (last in self.checkpoints))
        for k, (u, y, redrawn) in zip(steps, self.batches(steps), strict=True):
            loss, gradient = self.gradient(state.parameters, u, y)
            step = self.step(gradient, k)
            if k in self.checkpoints:
                self.record(k, gradient, step)
            state.k = k + 1
            if k == last:
                return
            for p, increment in zip(state.parameters, step, strict=True):
                p += increment
            state.redrawn = state.redrawn + redrawn
            state.losses.append(loss)
            yield loss

    def step(self, gradient, k):
        """Parameters that update k adds."""
        mu = self.rate(min(k, self.updates - 1))
        return Parameters(*self.rule.step(gradient, self.state.parameters, self.state.rule_states, mu, k))

    def record(self, k, gradient, step):
        """Keeps the weights before update k, their loss on the probe batch, and the statistics of the update."""
        weights = [to_host(p).copy() for p in self.state.parameters]
        self.state.probes.append(weights)
        self.state.records.append(
            self.probe(weights)
            | update_statistics(self.cell, step, gradient)
            | adaptive_steps(self.cell, self.rule, self.state.rule_states[0], k)
        )
