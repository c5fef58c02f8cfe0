"""Makes the process one thread on one core, and times in it. Import this before NumPy, PyTorch or JAX."""

import os
import sys
import time
from functools import partial
from pathlib import Path

for variable in ("OPENBLAS_NUM_THREADS", "OMP_NUM_THREADS", "MKL_NUM_THREADS", "NUMBA_NUM_THREADS"):
    os.environ[variable] = "1"
os.environ["XLA_FLAGS"] = "--xla_cpu_multi_thread_eigen=false intra_op_parallelism_threads=1"
os.environ["JAX_PLATFORMS"] = "cpu"
if hasattr(os, "sched_setaffinity"):
    os.sched_setaffinity(0, {max(os.sched_getaffinity(0))})
sys.path.insert(0, str(Path(__file__).parent.parent))  # the engine is used from the checkout

import timing  # noqa: E402


def seconds(function):
    """CPU time of a call over all threads of the process: its wall time on an idle core, whatever else is running."""
    start = time.process_time()
    function()
    return time.process_time() - start


interleaved = partial(timing.interleaved, seconds=seconds)
