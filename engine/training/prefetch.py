"""Prefetching: worker processes draw the next batches while a GPU computes.

Threads do not help, because a draw is a chain of short calls that hold the interpreter's lock. The workers run this
module, because those of `multiprocessing` would run Snakemake's script again. They write batches into memory that they
share with the caller (Linux), and end with the caller, however it ends.
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
    """Yields `draw(k)` for each k of `indices`: u (T, member, n, batch), y (member, ..., batch), redrawn (member,).

    `move` copies u and y to a device. `draw` must be importable, since workers get it by pickle. All batches must have
    the shapes and dtypes of the first one, which is drawn in this process.
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
    """A process that draws a batch on request, with the shapes and dtypes of the arrays `like`, usually (u, y)."""

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
        """Requests batch k."""
        try:
            pickle.dump(k, self.process.stdin)
            self.process.stdin.flush()
        except BrokenPipeError:
            raise self.lost() from None

    def answer(self):
        """The requested batch, in memory that the next request overwrites; raises what `draw` raised."""
        try:
            error, third = pickle.load(self.process.stdout)
        except EOFError:
            raise self.lost() from None
        if error is not None:
            raise error
        return *self.arrays, third

    def lost(self):
        """RuntimeError for a process that has ended."""
        return RuntimeError(f"a process that draws batches ended, with exit code {self.process.wait()}")

    def end(self):
        """Ends the process."""
        self.process.kill()
        self.process.communicate()


def shared_arrays(descriptor, layout):
    """Arrays with the [(dtype, shape)] of `layout`, one after the other in the memory of a file."""
    memory, arrays, offset = mmap.mmap(descriptor, 0), [], 0
    for dtype, shape in layout:
        arrays.append(np.ndarray(shape, dtype, memory, offset))
        offset += arrays[-1].nbytes
    return arrays


def serve(questions, answers):
    """Main loop of a worker: reads the number of a batch, draws it, answers; ends with the stream of questions."""
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
    """The error with its traceback as a note; a RuntimeError with the same text if it cannot be pickled."""
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
