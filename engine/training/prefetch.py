"""Batches drawn ahead of their use where a device does the work: other processes draw while the device computes.

A draw is a chain of short calls, which threads of one process could only take in turn. The processes start from this
module, since those of `multiprocessing` would run Snakemake's script once more, and leave a batch in memory that they
share with the caller (Linux). They end with the caller, however it ends.
"""

import mmap
import os
import pickle
import signal
import subprocess
import sys
import traceback

import numpy as np


def prefetched(draw, indices, move, processes):
    """Yields `draw(k)` for each k in order: u, y, moved by `move`, which copies, and a third value as it is.

    `draw` goes to the processes by pickle, so it is one that can be imported. All batches have the shapes of the first
    one, which is drawn here.
    """
    indices = list(indices)
    if not indices:
        return
    first, *rest = indices
    u, y, third = draw(first)
    workers = []
    try:
        for k in rest[:processes]:
            workers.append(BatchWorker(draw, u, y))
            workers[-1].ask(k)
        yield move(u), move(y), third
        for i in range(len(rest)):
            worker = workers[i % len(workers)]
            u, y, third = worker.answer()
            batch = move(u), move(y), third
            if i + len(workers) < len(rest):
                worker.ask(rest[i + len(workers)])
            yield batch
    finally:
        for worker in workers:
            worker.end()


class BatchWorker:
    """A process that draws a batch when asked, with shapes and dtypes as of the arrays `like`."""

    def __init__(self, draw, *like):
        layout = [(x.dtype.str, x.shape) for x in like]
        descriptor = os.memfd_create("batch")
        try:
            os.ftruncate(descriptor, sum(x.nbytes for x in like))
            self.arrays = shared_arrays(descriptor, layout)
            told = pickle.dumps((draw, descriptor, layout))
            self.process = subprocess.Popen(
                [sys.executable, "-P", "-m", __name__],
                stdin=subprocess.PIPE,
                stdout=subprocess.PIPE,
                pass_fds=[descriptor],
                env=os.environ | {"PYTHONPATH": os.pathsep.join(sys.path)},
            )
        finally:
            os.close(descriptor)
        self.process.stdin.write(told)

    def ask(self, k):
        try:
            pickle.dump(k, self.process.stdin)
            self.process.stdin.flush()
        except BrokenPipeError:
            raise self.lost() from None

    def answer(self):
        """The batch that was asked for, in memory that the next one overwrites; what `draw` raised is raised here."""
        try:
            error, third = pickle.load(self.process.stdout)
        except EOFError:
            raise self.lost() from None
        if error is not None:
            raise error
        return *self.arrays, third

    def lost(self):
        return RuntimeError(f"a process that draws batches ended, with exit code {self.process.wait()}")

    def end(self):
        self.process.kill()
        self.process.communicate()


def shared_arrays(descriptor, layout):
    """Arrays one after the other in the memory of a file."""
    memory, arrays, offset = mmap.mmap(descriptor, 0), [], 0
    for dtype, shape in layout:
        arrays.append(np.ndarray(shape, dtype, memory, offset))
        offset += arrays[-1].nbytes
    return arrays


def serve(questions, answers):
    """What such a process does until nobody asks any more."""
    draw, descriptor, layout = pickle.load(questions)
    arrays = shared_arrays(descriptor, layout)
    while True:
        try:
            k = pickle.load(questions)
        except EOFError:
            return
        try:
            *batch, third = draw(k)
            for there, x in zip(arrays, batch, strict=True):
                if (x.dtype, x.shape) != (there.dtype, there.shape):
                    raise ValueError(f"batch {k}: {x.dtype} {x.shape}, where the first has {there.dtype} {there.shape}")
                there[...] = x
            answer = None, third
        except Exception as error:
            answer = portable(error), None
        pickle.dump(answer, answers)
        answers.flush()


def portable(error):
    """The error with its traceback as a note; where pickle cannot carry it, a RuntimeError with the words of both."""
    error.add_note(f"In a process that draws batches:\n{''.join(traceback.format_exception(error))}")
    try:
        pickle.loads(pickle.dumps(error))
        return error
    except Exception:
        return RuntimeError("\n".join(error.__notes__))


if __name__ == "__main__":
    signal.signal(signal.SIGINT, signal.SIG_IGN)  # the caller is interrupted too, and ends this process
    answers, sys.stdout = sys.stdout.buffer, sys.stderr  # what a task prints is no answer
    serve(sys.stdin.buffer, answers)
