"""Trains an ensemble, one member a seed: initial weights, passes over the members, divergence."""

import logging
from functools import partial
from typing import NamedTuple

import numpy as np

from engine.common.backend import CPU, to_host
from engine.common.progress import Progress
from engine.common.quantity import Quantity
from engine.common.seeding import stream
from engine.network.gradient import gradient_function
from engine.network.unroll import Parameters
from engine.optimizers.adam_beside import AdamBeside
from engine.tasks import make_task
from engine.training.data import batches
from engine.training.held_out import held_out
from engine.training.updates import Pass, first_state, stacked

log = logging.getLogger(__name__)

QUANTITIES = {
    "loss": Quantity("seed iteration", "mean {loss} of the batch, before the update", "[NET.loss]", dtype=""),
    "diverged_at": Quantity("seed", "first update whose loss or step was not finite; -1: none", "[BPTT]", dtype="i4"),
    "redrawn": Quantity("seed", "target paths that diverged and were drawn again", "[TASK.narma]", dtype="i4"),
}


class Training(NamedTuple):
    """The result of a training, on the host; members are the seeds."""

    parameters: Parameters  # (checkpoint, member, ...); NaN from the checkpoint on at which a member had diverged
    loss: np.ndarray  # (member, update)
    diverged_at: np.ndarray  # (member,), the first update whose loss or step was not finite; -1 if there was none
    redrawn: np.ndarray  # (member,), diverging target paths that the task drew again
    records: dict  # {name: (member, checkpoint, ...)}, what training.held_out and training.update_statistics record


def initial_parameters(cell, seeds, dtype, outputs=1, bias=False):
    """Parameters of the ensemble from U(-1/sqrt(fan_in), 1/sqrt(fan_in)) [RANDOM.weights], NumPy.

    Parameters (member, ...). Each weight has its own stream of the seed, so cells share the initial values of weights
    that they share. Biases have the bound of the recurrent weights, as in PyTorch; `bias` is that of the readout.
    """
    H = cell.units
    shapes = {name: view.shape for name, view in cell.unpack(np.empty(cell.shape)).items()}

    def drawn(name, shape, fan_in):
        bound = fan_in**-0.5
        of_seeds = [stream(seed, "weights", name).uniform(-bound, bound, shape).astype(dtype) for seed in seeds]
        return np.stack(of_seeds)

    weights = {name: drawn(name, shape, (shape or (H,))[-1]) for name, shape in shapes.items()}
    W_o = drawn("W_o", (outputs, H), H)
    return Parameters(cell.pack(weights), np.append(W_o, drawn("b_o", (outputs, 1), H), axis=2) if bias else W_o)


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
    readout_bias=False,
    dtype="float32",
    device=CPU,
    members_per_pass=None,
    processes=1,
    resume=None,
):
    """Trains one member a seed with step size `rate(k)` at update k; keeps the weights before updates `checkpoints`.

    `sequences` is the size of the training set [DATA.set], `batch` or more; None for new sequences at every update.
    `jitter` is the standard deviation of noise on the inputs, drawn for every update. With `probe_batch` the loss of a
    probe batch of that size is recorded at every checkpoint. The task says how many outputs there are, and their loss;
    with `readout_bias` they have biases. If each unit has its own gate, Adam's second moments are kept beside any rule
    and recorded [OPT.adam.same].

    Members are independent, so `members_per_pass` changes the speed and not the result: a few fit the cache of a CPU,
    all of them fill a GPU, for which `processes` draw batches.

    With `resume` (a checkpoint.Resume), an interrupted training continues, to the same bits.
    """
    rule = AdamBeside(rule) if cell.gate_for_each_unit else rule
    title = f"{task} {cell.name}-{rule.name}"
    loss, readout = make_task(task).loss, {"outputs": make_task(task).outputs, "bias": readout_bias}
    progress = Progress(f"{title}: update", updates * len(seeds))
    members_per_pass = members_per_pass or device.per_pass(4, len(seeds))
    sizes = {"T": T, "n": cell.inputs, "batch": batch, "sequences": sequences, "jitter": jitter}
    parts = []
    for first in range(0, len(seeds), members_per_pass):
        block, name = seeds[first : first + members_per_pass], str(len(parts))
        state = first_state(rule, Parameters(*map(device.move, initial_parameters(cell, block, dtype, **readout))))
        if resume and (tree := resume.tree(name)):
            state.restore(tree, device)
            progress.skip(min(state.k, updates) * len(block))
            log.info("%s: goes on from update %d of seeds %s", title, state.k, block)
        work = Pass(
            cell,
            rule,
            rate,
            updates,
            frozenset(checkpoints),
            gradient=gradient_function(cell, state.parameters, T, batch, loss),
            batches=batches(task, block, **sizes, dtype=dtype, device=device, processes=processes),
            probe=held_out(cell, task, block, T=T, probe_batch=probe_batch, device=device),
            state=state,
        )
        with np.errstate(over="ignore", invalid="ignore"):  # divergence is found and named below
            for found in work.run():
                progress.advance(len(block), partial(loss_text, found))
                if resume and resume.due():
                    resume.keep(name, state.tree())
                    resume.write()
        if resume:
            resume.keep(name, state.tree())
        parts.append(result(state, checkpoints))
    training = joined(parts)
    for seed, k in zip(seeds, training.diverged_at, strict=True):
        if k >= 0:
            log.warning(
                "diverged: cell %s, optimizer %s, task %s, seed %d, update %d", cell.name, rule.name, task, seed, k
            )
    return training


def loss_text(loss):
    return f"loss {np.mean(to_host(loss)):.4g}"


def joined(parts):
    """One Training with the members of all `parts`."""
    parameters = (np.concatenate(p, axis=1) for p in zip(*(part.parameters for part in parts), strict=True))
    by_member = (np.concatenate([getattr(part, name) for part in parts]) for name in ("loss", "diverged_at", "redrawn"))
    records = {name: np.concatenate([part.records[name] for part in parts]) for name in parts[0].records}
    return Training(Parameters(*parameters), *by_member, records)


def result(state, checkpoints):
    """Training from the final State of a pass; NaN at checkpoints after a divergence."""
    loss = stacked(state.losses).T
    diverged_at = first_divergence(loss, [to_host(p) for p in state.parameters])
    probed = Parameters(*(np.stack(p) for p in zip(*state.probes, strict=True)))
    records = {name: np.stack([record[name] for record in state.records], axis=1) for name in state.records[0]}
    for i, k in enumerate(sorted(checkpoints)):
        gone = (diverged_at >= 0) & (diverged_at < k)
        for p in probed:
            p[i, gone] = np.nan
        for values in records.values():
            values[gone, i] = np.nan
    return Training(probed, loss, diverged_at, state.redrawn, records)


def first_divergence(loss, final):
    """(member,): the first update with a loss that is not finite, or whose step leaves such weights; else -1."""
    bad = ~np.isfinite(loss)
    at = np.where(bad.any(axis=1), bad.argmax(axis=1), -1)
    sound = np.all([np.isfinite(p).all(axis=(1, 2)) for p in final], axis=0)
    return np.where((at < 0) & ~sound, loss.shape[1] - 1, at)
