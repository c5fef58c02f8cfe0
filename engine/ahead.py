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

import numpy as np


def drawn_ahead(draw, indices, place, processes):
    """Yields `draw(k)` for each k in order: u, y, moved by `place`, which copies, and a third value as it is.

    `draw` goes to the processes by pickle; all batches have the shapes of the first one, which is drawn here.
    """
    indices = list(indices)
    if not indices:
        return
    first, *rest = indices
    u, y, third = draw(first)
    drawers = []
    try:
        for k in rest[:processes]:
            drawers.append(Drawer(draw, u, y))
            drawers[-1].ask(k)
        yield place(u), place(y), third
        for i in range(len(rest)):
            drawer = drawers[i % len(drawers)]
            u, y, third = drawer.answer()
            batch = place(u), place(y), third
            if i + len(drawers) < len(rest):
                drawer.ask(rest[i + len(drawers)])
            yield batch
    finally:
        for drawer in drawers:
            drawer.end()


class Drawer:
    """A process that draws a batch when asked, with shapes and dtypes as of the arrays `like`."""

    def __init__(self, draw, *like):
        descriptor = os.memfd_create("batch")
        os.ftruncate(descriptor, sum(x.nbytes for x in like))
        layout = [(x.dtype.str, x.shape) for x in like]
        self.arrays = shared_arrays(descriptor, layout)
        self.process = subprocess.Popen(
            [sys.executable, "-P", "-m", __name__],
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
            pass_fds=[descriptor],
            env=os.environ | {"PYTHONPATH": os.pathsep.join(sys.path)},
        )
        os.close(descriptor)
        self.tell((draw, descriptor, layout))

    def tell(self, what):
        pickle.dump(what, self.process.stdin)
        self.process.stdin.flush()

    def ask(self, k):
        try:
            self.tell(k)
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
    u_there, y_there = shared_arrays(descriptor, layout)
    while True:
        try:
            k = pickle.load(questions)
        except EOFError:
            return
        try:
            u_there[...], y_there[...], third = draw(k)
            answer = None, third
        except Exception as error:
            answer = error, None
        pickle.dump(answer, answers)
        answers.flush()


if __name__ == "__main__":
    signal.signal(signal.SIGINT, signal.SIG_IGN)  # the caller is interrupted too, and ends this process
    answers, sys.stdout = sys.stdout.buffer, sys.stderr  # what a task prints is no answer
    serve(sys.stdin.buffer, answers)
