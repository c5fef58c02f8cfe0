"""Memory and time of jobs, estimated from the configuration, for a scheduler.

Counts of the largest terms, rounded up: a job that asks for too little is killed, and its next attempt asks for more.
Each function gets the configuration, the job's wildcards and its number of seeds.
"""

from math import ceil, prod
from typing import NamedTuple

from engine.tasks import make_task
from workflow.parts import autonomous_cell, build_cell, cell_settings, data_settings

OPERATIONS_PER_SECOND = 2e9  # of one slow core
OF_A_PASS = 2**27  # numbers of Jacobians that the anisotropy holds at once, or those of a single pair
MEGABYTES_OF_A_PROCESS = 150  # that draws batches, see engine/training/prefetch.py: each thread beyond the first


def resources(size, minutes, config, seeds_in_job):
    """{"mem_mb", "runtime"} of a rule, functions for Snakemake: times the attempt, for jobs that were killed.

    `size` is one of the functions below, or a number of megabytes; then the minutes are those given.
    """

    def of(wildcards):
        return size(config, wildcards, seeds_in_job(wildcards)) if callable(size) else Given(size, minutes)

    def held(wildcards, attempt, threads):
        return attempt * (of(wildcards).megabytes + MEGABYTES_OF_A_PROCESS * (threads - 1))

    return {"mem_mb": held, "runtime": lambda wildcards, attempt: attempt * of(wildcards).minutes}


class Given(NamedTuple):
    """What jobs need whose size hardly depends on the configuration."""

    megabytes: int
    minutes: int


class Size(NamedTuple):
    """Floating-point numbers held at once, and operations in all."""

    numbers: float
    operations: float

    @property
    def megabytes(self):
        """With three interpreters, two of them Snakemake's on a cluster; every number in double precision."""
        return 800 + ceil(8e-6 * self.numbers)

    @property
    def minutes(self):
        """With the start of a job on a busy file system."""
        return 10 + ceil(self.operations / OPERATIONS_PER_SECOND / 60)


def cell_sizes(config, name, inputs):
    """(weights, state size) of one network."""
    cell = build_cell(cell_settings(config, name, inputs))
    return prod(cell.shape), cell.state_size


def training(config, w, seeds):
    """The runs and training sets of four members at a time, and the weights and the step at every checkpoint."""
    block = config[w.experiment]
    weights, state = cell_sizes(config, w.cell, block["inputs"])
    run = block["T"] * block["batch"]
    training_set = data_settings(config, w.data).get("sequences", 0) * block["T"] * block["inputs"]
    held = 4 * run * (block["inputs"] + 10 * state) + 4 * seeds * len(block["checkpoints"]) * weights + 4 * training_set
    return Size(held, seeds * block["updates"] * run * 6 * weights)


def expansion(config, w, seeds):
    """The states of all seeds, the Jacobian of one step of theirs, and the remainder of each epsilon."""
    block = config["expansion"]
    _, state = cell_sizes(config, w.cell, block["inputs"])
    remainders = seeds * (4 + len(block["epsilons"])) * state**2
    states = seeds * block["T"] * (state + block["inputs"])
    return Size(12 * (states + remainders), 12 * block["T"] * remainders * state)


def effective_lr(config, w, seeds):
    """All products of Jacobians of one network at a time, or those of some drawn pairs, and the gates of all pairs."""
    block = config["effective_lr"]
    _, state = cell_sizes(config, w.cell, block["inputs"])
    pairs, jacobians, products = block["T"] ** 2 / 2 * block["probe_batch"], block["T"] * block["probe_batch"], 60
    if "pairs" in block:
        pairs, jacobians, products = block["T"] / 2 * block["pairs"], min(block["pairs"], 16), 20
    held = 12 * jacobians * state**2 + 6 * pairs * state
    return Size(held, seeds * len(block["checkpoints"]) * pairs * products * state**3)


def anisotropy(config, w, seeds):
    """The products of all pairs at the longest lag, and the gradient of every sample, of one network at a time."""
    block = config["anisotropy"]
    weights, state = cell_sizes(config, w.cell, block["inputs"])
    of_a_pair = max(block["lags"]) * state**2
    chain = min(of_a_pair * block["pairs"], max(of_a_pair, OF_A_PASS))
    spectra = sum(2 * lag + 100 for lag in block["lags"]) * block["pairs"] * state**3
    gradients = block["gradients"] * (10 * block["T"] * state + 4 * weights)
    return Size(5 * chain + gradients, seeds * len(block["checkpoints"]) * (spectra + block["gradients"] * gradients))


def gates(config, w, seeds):
    """The run of the probe batch, its way back from each step of the loss, and the products along a few of its samples.

    Of one network at a time.
    """
    block, probe = config[w.experiment], config["gates"]
    weights, state = cell_sizes(config, w.cell, block["inputs"])
    run, steps = block["T"] * probe["probe_batch"], make_task(w.task).loss.steps
    jacobians = block["T"] * probe["samples"] * state**2
    work = steps * run * 20 * weights + jacobians * 100 * state
    held = 20 * (run + (steps - 1) * probe["probe_batch"]) * state
    return Size(held + 5 * jacobians, seeds * len(block["checkpoints"]) * work)


def lyapunov(config, w, seeds):
    """The Jacobian and the directions of each sample, of one network at a time."""
    block, training = config["lyapunov"], config[w.experiment]
    _, state = cell_sizes(config, w.cell, training["inputs"])
    steps = seeds * len(training["checkpoints"]) * block["T"]
    return directions(block["samples"], state, steps, block.get("exponents"))


def autonomous(config, w, seeds):
    """The same of a network that runs without input."""
    block, cell = config["lyapunov"], build_cell(autonomous_cell(config, w.autonomous))
    return directions(1, cell.state_size, seeds * block["T"], block.get("exponents"))


def directions(samples, state, steps, exponents=None):
    """Every step the Jacobian, and of so many directions one product and at most one orthogonalization."""
    return Size(20 * samples * state**2, steps * samples * 20 * state**2 * min(exponents or state, state))
