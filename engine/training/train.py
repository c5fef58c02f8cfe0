"""The ensemble loop: all seeds of a pass in one array, checkpoints before the update, the loss of every update."""

import logging
from typing import NamedTuple

import numpy as np

from engine.common.backend import CPU, namespace, to_host
from engine.common.progress import Progress
from engine.common.quantity import Quantity
from engine.common.seeding import stream
from engine.network.gradient import gradient_function
from engine.network.unroll import Parameters
from engine.optimizers.adam_beside import AdamBeside
from engine.training.data import batches
from engine.training.held_out import held_out
from engine.training.steps import adaptive_steps, update_statistics

log = logging.getLogger(__name__)

QUANTITIES = {
    "loss": Quantity("seed iteration", "mean squared error of the batch, before the update", "[BPTT]", dtype=""),
    "diverged_at": Quantity("seed", "first update whose loss or step was not finite; -1: none", "[BPTT]", dtype="i4"),
    "redrawn": Quantity("seed", "target paths that diverged and were drawn again", "[TASK.narma]", dtype="i4"),
}


class Training(NamedTuple):
    """What a training leaves, on the host; members are the seeds."""

    parameters: Parameters  # (checkpoint, member, ...); NaN from the checkpoint on at which a member had diverged
    loss: np.ndarray  # (member, update)
    diverged_at: np.ndarray  # (member,), the first update whose loss or step was not finite; -1 if there was none
    redrawn: np.ndarray  # (member,), diverging target paths that the task drew again
    records: dict  # {name: (member, checkpoint, ...)}, what training.held_out and training.steps record


def initial_parameters(cell, seeds, dtype):
    """Parameters of the ensemble from U(-1/sqrt(fan_in), 1/sqrt(fan_in)) [RANDOM.weights], NumPy.

    Each weight has its own stream of the seed, so cells share the initial values of the weights that they share.
    """
    H = cell.units
    shapes = {name: view.shape for name, view in cell.unpack(np.empty(cell.shape)).items()} | {"W_o": (1, H)}

    def draw(seed, name):
        bound = shapes[name][-1] ** -0.5
        return stream(seed, "weights", name).uniform(-bound, bound, shapes[name]).astype(dtype)

    weights = {name: np.stack([draw(seed, name) for seed in seeds]) for name in shapes}
    W_o = weights.pop("W_o")
    return Parameters(cell.pack(weights), W_o)


def train(
    cell,
    rule,
    rate,
    task,
    seeds,
    *,
    T,
    batch,
    updates,
    checkpoints,
    sequences=None,
    jitter=0,
    probe_batch=None,
    dtype="float32",
    device=CPU,
    members_per_pass=None,
    processes=1,
    resume=None,
):
    """Trains one member a seed with `rate(k)` as step size of update k; probes `checkpoints` before their update.

    `sequences` is the size of the training set [DATA.set], `batch` or more; None: new ones for every update.
    `jitter` is the standard deviation of noise that every update adds to its inputs. With `probe_batch` the loss of a
    probe batch of that size is recorded at every checkpoint. Where each unit has a gate of its own, Adam's second
    moments are kept beside and recorded, whatever the rule [OPT.adam.same].

    Members are independent, so `members_per_pass` changes the speed and not the result: a few fit the cache of a CPU,
    all of them fill a GPU, for which `processes` draw batches.

    With `resume` (a checkpoint.Resume), a training that was cut off goes on from what was kept, to the same bits.
    """
    rule = AdamBeside(rule) if cell.gate_for_each_unit else rule
    progress = Progress(f"{task} {cell.name}-{rule.name}: update", updates * len(seeds))
    members_per_pass = members_per_pass or device.per_pass(4, len(seeds))
    parts = []
    for first in range(0, len(seeds), members_per_pass):
        block = seeds[first : first + members_per_pass]
        sizes = {"T": T, "n": cell.inputs, "batch": batch, "sequences": sequences, "jitter": jitter}
        data = batches(task, block, **sizes, dtype=dtype, device=device, processes=processes)
        probe = held_out(cell, task, block, T=T, probe_batch=probe_batch, device=device)
        reached = TrainingState(rule, Parameters(*(device.move(p) for p in initial_parameters(cell, block, dtype))))
        number = str(len(parts))
        if resume and (tree := resume.tree(number)):
            reached.restore(tree, device)
            progress.skip(min(reached.k, updates) * len(block))
            log.info("%s %s-%s: goes on from update %d of seeds %s", task, cell.name, rule.name, reached.k, block)
        gradient_of = gradient_function(cell, reached.parameters, T, batch)

        def keep(reached=reached, number=number):
            if resume and resume.due():
                resume.keep(number, reached.tree())
                resume.write()

        with np.errstate(over="ignore", invalid="ignore"):  # divergence is found and named below
            _train_pass(cell, gradient_of, rule, rate, data, probe, reached, updates, set(checkpoints), progress, keep)
        if resume:
            resume.keep(number, reached.tree())
        part = _result(reached, checkpoints)
        parts.append(part)
    training = joined(parts)
    for seed, k in zip(seeds, training.diverged_at, strict=True):
        if k >= 0:
            log.warning(
                "diverged: cell %s, optimizer %s, task %s, seed %d, update %d", cell.name, rule.name, task, seed, k
            )
    return training


def joined(parts):
    """One Training of the members of all."""
    parameters = (np.concatenate(p, axis=1) for p in zip(*(part.parameters for part in parts), strict=True))
    by_member = (np.concatenate([getattr(part, name) for part in parts]) for name in ("loss", "diverged_at", "redrawn"))
    records = {name: np.concatenate([part.records[name] for part in parts]) for name in parts[0].records}
    return Training(Parameters(*parameters), *by_member, records)


class TrainingState:
    """Where a pass is: all that its further updates and its result depend on."""

    def __init__(self, rule, parameters):
        self.k = 0
        self.parameters, self.states = parameters, [rule.start(p) for p in parameters]
        self.losses, self.probes, self.records = [], [], []  # one an update; one a checkpoint
        self.redrawn = 0

    def tree(self):
        """As arrays, for engine.training.checkpoint."""
        return vars(self) | {"k": np.array(self.k), "losses": stacked(self.losses), "redrawn": np.array(self.redrawn)}

    def restore(self, tree, device):
        """Goes to where `tree` was taken."""
        states = tree.get("states", [()] * len(self.states))  # of a rule that keeps none, nothing was kept
        for ours, theirs in zip([self.parameters, *self.states], [tree["parameters"], *states], strict=True):
            for x, kept in zip(ours, theirs, strict=True):
                x[...] = device.move(kept)
        self.k, self.redrawn = int(tree["k"]), tree["redrawn"]
        losses = device.move(tree["losses"])
        self.losses = [losses[k, ...] for k in range(losses.shape[0])]
        self.probes, self.records = tree.get("probes", []), tree.get("records", [])


def stacked(losses):
    return to_host(namespace(losses[0]).stack(losses))


def _train_pass(cell, gradient_of, rule, rate, data, probe, reached, updates, checkpoints, progress, keep):
    parameters, states = reached.parameters, reached.states
    # The last checkpoint has no update after it: its step is computed, at the last rate, and not taken.
    steps = range(reached.k, updates + (updates in checkpoints))
    for k, (u, y, again) in zip(steps, data(steps), strict=True):
        if k in checkpoints:
            reached.probes.append([to_host(p).copy() for p in parameters])
            record = probe(reached.probes[-1])
        loss, gradient = gradient_of(parameters, u, y)
        mu = rate(min(k, updates - 1))
        step = Parameters(*(rule.increment(g, state, mu, k) for g, state in zip(gradient, states, strict=True)))
        if k in checkpoints:
            reached.records.append(
                record | update_statistics(step, gradient) | adaptive_steps(cell, rule, states[0], k)
            )
        reached.k = k + 1
        if k == updates:
            break
        for p, increment in zip(parameters, step, strict=True):
            p += increment
        reached.redrawn = reached.redrawn + again
        reached.losses.append(loss)
        progress.advance(y.shape[0], lambda loss=loss: f"loss {np.mean(to_host(loss)):.4g}")
        keep()


def _result(reached, checkpoints):
    """Training of a pass that is done."""
    loss = stacked(reached.losses).T
    diverged_at = _first_divergence(loss, [to_host(p) for p in reached.parameters])
    probed = Parameters(*(np.stack(p) for p in zip(*reached.probes, strict=True)))
    records = {name: np.stack([record[name] for record in reached.records], axis=1) for name in reached.records[0]}
    for i, k in enumerate(sorted(checkpoints)):
        gone = (diverged_at >= 0) & (diverged_at < k)
        for p in probed:
            p[i, gone] = np.nan
        for values in records.values():
            values[gone, i] = np.nan
    return Training(probed, loss, diverged_at, reached.redrawn, records)


def _first_divergence(loss, final):
    """(member,): the first update with a loss that is not finite, or whose step leaves such weights; else -1."""
    bad = ~np.isfinite(loss)
    at = np.where(bad.any(axis=1), bad.argmax(axis=1), -1)
    sound = np.all([np.isfinite(p).all(axis=(1, 2)) for p in final], axis=0)
    return np.where((at < 0) & ~sound, loss.shape[1] - 1, at)
