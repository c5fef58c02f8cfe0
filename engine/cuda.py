"""What the CUDA kernels share: names for what CUDA provides, sums over a few threads, and their compilation.

The sources use these names alone, so that tests/cuda_on_cpu.py can build them for a CPU.
"""

from functools import cache

from engine.backend import namespace

LANES = 8  # neighbouring threads that share a task, a part of a warp

PRELUDE = r"""
#define THREAD ((int)threadIdx.x)
#define BLOCK_X ((int)blockIdx.x)
#define BLOCK_Y ((int)blockIdx.y)
#define GRID_X ((int)gridDim.x)
#define GRID_Y ((int)gridDim.y)
#define SYNC __syncthreads()
#define ANY(x) __syncthreads_or(x)
#define SHARED(type, name) extern __shared__ __align__(16) type name[]

// The sum over the LANES threads of a task, the same bits for each of them.
__device__ static inline double sum_of_lanes(double x) {
    const unsigned task = ((1u << LANES) - 1) << (threadIdx.x & 31) / LANES * LANES;
    __syncwarp(task);  // what a lane has read before may be overwritten by another afterwards
    for (int n = LANES / 2; n > 0; n /= 2) x += __shfl_xor_sync(task, x, n);
    return x;
}
"""


def on_gpu(x):
    """Whether `x` lies where kernels run."""
    return namespace(x).__name__ == "cupy"


@cache
def most_shared_bytes():
    """What a block can have of the current device's shared memory: 227 KB on an H100, 99 KB on an RTX 4090."""
    import cupy

    return cupy.cuda.Device().attributes["MaxSharedMemoryPerBlockOptin"]


def definitions(**sizes):
    """A kernel's sizes, ahead of its source."""
    return "".join(f"#define {name} {value}\n" for name, value in sizes.items())


@cache
def compiled(name, source, shared_bytes=0):
    """The kernel `name` of a source that follows its `definitions`, for the GPU: called as CuPy's kernels are."""
    import cupy

    text = f"#define LANES {LANES}\n{PRELUDE}{source}"
    kernel = cupy.RawKernel(text, name, options=("--std=c++17",))
    kernel.max_dynamic_shared_size_bytes = shared_bytes
    return kernel
