"""Training batches: new sequences for every update [DATA.fresh], or batches of a set of N sequences [DATA.set]."""

import logging
from functools import partial
from math import ceil

import numpy as np

from engine.common import cuda
from engine.common.backend import CPU, in_rows, like, namespace, zeros
from engine.common.seeding import stream
from engine.tasks import make_task
from engine.tasks.batches import ensemble_batch
from engine.training.prefetch import prefetched

log = logging.getLogger(__name__)

BLOCK = 64  # sequences that are drawn together: the first of a set are the same in a larger one


def check_set(sequences, batch):
    """Raises ValueError if a training set has fewer sequences than a batch; `sequences` is None for fresh data."""
    if sequences is not None and sequences < batch:
        raise ValueError(
            f"sequences = {sequences} is too small: an update takes batch = {batch} of them, allowed is {batch} or more"
        )


def batches(task, seeds, *, jitter=0, **sizes):
    """`exact_batches` with noise N(0, jitter^2) added to the inputs, drawn anew for every update."""
    data = exact_batches(task, seeds, **sizes)
    return partial(jittered, data, make_task(task).name, seeds, jitter) if jitter else data


def jittered(data, task, seeds, jitter, updates):
    """Yields the batches of `data` with noise on u, drawn from a stream of each seed and update."""
    for k, (u, y, redrawn) in zip(updates, data(updates), strict=True):
        T, _, n, batch = u.shape
        noise = [stream(seed, task, "jitter", k).standard_normal((T, n, batch)) for seed in seeds]
        yield u + namespace(u).astype(like(u, jitter * np.stack(noise, axis=1)), u.dtype), y, redrawn


def exact_batches(task, seeds, *, T, n, batch, sequences=None, dtype="float64", device=CPU, processes=1):
    """A function that yields the batch of each update in a range: u (T, member, n, batch), y, redrawn.

    Targets y are (member, ..., batch), see engine.tasks.task.Task. `redrawn` (member,) counts paths that were drawn
    again, those of a set all at update 0. For a GPU, `processes` draw ahead. ValueError if a set has fewer sequences
    than a batch.
    """
    check_set(sequences, batch)

    def drawn(purpose, size, move, indices):
        draw = partial(ensemble_batch, task, seeds, purpose, T=T, n=n, batch=size, dtype=dtype)
        return map(draw, indices) if device.on_host else prefetched(draw, indices, move, processes)

    if sequences is None:
        return partial(drawn, "train", batch, device.move)
    size = sequences * T * n * np.dtype(dtype).itemsize
    log.info("training set of %d sequences: %.3g MB a seed", sequences, 1e-6 * size)
    home, deliver = where_a_set_lies(device, len(seeds) * size)
    return partial(of_a_set, partial(drawn, "set", BLOCK, home), Order(task, seeds, sequences, batch), deliver)


def where_a_set_lies(device, size):
    """Two functions: one moves a training set of `size` bytes to where it is kept, one moves a batch to the device.

    A set larger than half of the free memory of a GPU is kept on the host. Kernels need C-contiguous batches.
    """
    if device.on_host:
        return device.move, device.move
    if cuda.on_gpu(device.move(np.zeros(1))) and size > cuda.free_bytes() / 2:
        log.info("the GPU has no room for %.3g GB: the training set stays on the host", 1e-9 * size)
        return np.array, lambda x: device.move(in_rows(x))
    return device.move, in_rows


def of_a_set(drawn, order, deliver, updates):
    """Yields the batches of `updates` (a range) from a set, which is drawn when the first of them is asked for."""
    if not updates:
        return
    u, y, redrawn = training_set(drawn(range(ceil(order.sequences / BLOCK))), order.sequences)
    for k in updates:
        u_k, y_k = chosen(u, y, order(k))
        yield deliver(u_k), deliver(y_k), redrawn if k == 0 else 0


def training_set(blocks, sequences):
    """u (member, sequence, T, n), y (member, sequence, ...) and redrawn paths (member,) of a set, from its blocks."""
    for i, (u, y, redrawn) in enumerate(blocks):
        if i == 0:
            T, members, n, _ = u.shape
            all_u, all_y = zeros(u, members, sequences, T, n), zeros(y, members, sequences, *y.shape[1:-1])
            in_all = np.zeros_like(redrawn)
        here = slice(i * BLOCK, min((i + 1) * BLOCK, sequences))
        count = here.stop - here.start
        all_u[:, here, :, :] = namespace(u).permute_dims(u, (1, 3, 0, 2))[:, :count, :, :]
        all_y[:, here, ...] = namespace(y).moveaxis(y, -1, 1)[:, :count, ...]
        in_all += redrawn
    return all_u, all_y, in_all


def chosen(u, y, which):
    """The batch u (T, member, n, batch), y (member, ..., batch) of the sequences `which` (member, batch), NumPy."""
    xp = namespace(u)
    members, sequences, T, n = u.shape
    rows = like(u, (which + sequences * np.arange(members)[:, None]).reshape(-1))
    taken_u = xp.reshape(xp.take(xp.reshape(u, (-1, T, n)), rows, axis=0), (members, -1, T, n))
    taken_y = xp.reshape(xp.take(xp.reshape(y, (-1, *y.shape[2:])), rows, axis=0), (members, -1, *y.shape[2:]))
    return xp.permute_dims(taken_u, (2, 0, 3, 1)), xp.moveaxis(taken_y, 1, -1)


class Order:
    """The sequences of each update: epoch after epoch, each of them a new permutation of the set.

    A batch in which an epoch ends takes the rest of it and the beginning of the next epoch. So every sequence occurs
    once an epoch, and can occur twice in such a batch.
    """

    def __init__(self, task, seeds, sequences, batch):
        self.name, self.seeds, self.sequences, self.batch = make_task(task).name, seeds, sequences, batch
        self.epochs = {}  # those of the last update

    def __call__(self, k):
        """The sequences of update k, (member, batch)."""
        epoch, place = np.divmod(np.arange(k * self.batch, (k + 1) * self.batch), self.sequences)
        needed = dict.fromkeys(epoch.tolist())
        self.epochs = {e: self.epochs[e] if e in self.epochs else self.shuffled(e) for e in needed}
        return np.concatenate([self.epochs[e][:, place[epoch == e]] for e in needed], axis=1)

    def shuffled(self, epoch):
        return np.stack([stream(seed, self.name, "order", epoch).permutation(self.sequences) for seed in self.seeds])
