"""Compiles the CUDA kernels; prelude.cu holds the macros and sums over threads that all of them share.

The sources use CUDA through these macros alone, so that tests/cuda_on_cpu.py can build them for a CPU.
"""

from functools import cache
from pathlib import Path

from engine.common.backend import namespace

LANES = 8  # neighbouring threads that share a task, a part of a warp


def on_gpu(x):
    """Whether `x` is a CuPy array."""
    return namespace(x).__name__ == "cupy"


@cache
def most_shared_bytes():
    """Shared memory that one block can have on the current device: 227 KB on an H100, 99 KB on an RTX 4090."""
    import cupy

    return cupy.cuda.Device().attributes["MaxSharedMemoryPerBlockOptin"]


def free_bytes():
    """Free memory of the current device."""
    import cupy

    return cupy.cuda.runtime.memGetInfo()[0]


def read_source(module, name):
    """Text of the CUDA source `name` that lies beside the file `module`."""
    return Path(module).with_name(name).read_text(encoding="utf-8")


def definitions(**sizes):
    """#define lines that set a kernel's sizes; they go before its source."""
    return "".join(f"#define {name} {value}\n" for name, value in sizes.items())


@cache
def compiled(name, source, shared_bytes=0):
    """The kernel `name` of a source with its `definitions`, as a CuPy RawKernel."""
    import cupy

    text = f"#define LANES {LANES}\n{read_source(__file__, 'prelude.cu')}{source}"
    kernel = cupy.RawKernel(text, name, options=("--std=c++17",))
    kernel.max_dynamic_shared_size_bytes = shared_bytes
    return kernel
