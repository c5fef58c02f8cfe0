"""The CUDA source of engine.fused_cuda on a CPU: real threads for those of a block, a barrier for __syncthreads.

Shared memory is poisoned before each block, and blocks run one after the other, so that what one does not write itself
is NaN. ThreadSanitizer finds a missing barrier.
"""

import ctypes
import subprocess

import numpy as np

from engine.fused_cuda import SOURCE, definitions, shared_bytes

SHIM = r"""
#include <barrier>
#include <cmath>
#include <cstdlib>
#include <limits>
#include <thread>
#include <vector>
#define __device__
#define __global__
#define __launch_bounds__(n)
struct alignas(16) float4 { float x, y, z, w; };
static float4 make_float4(float x, float y, float z, float w) { return {x, y, z, w}; }
static std::barrier<>* all;
static float* shared;
static thread_local int THREAD, BLOCK_X, BLOCK_Y, GRID_X, GRID_Y;
#define SYNC all->arrive_and_wait()
#define SHARED(type, name) type* name = shared
"""

LAUNCH = r"""
template <typename... Arguments> static void run(int x, int y, int bytes, Arguments... arguments) {
    shared = (float*)std::aligned_alloc(16, (bytes + 15) / 16 * 16);
    for (int member = 0; member < y; member++)
        for (int slice = 0; slice < x; slice++) {
            for (int i = 0; i < bytes / 4; i++) shared[i] = std::numeric_limits<float>::quiet_NaN();
            std::barrier<> barrier(THREADS);
            all = &barrier;
            std::vector<std::thread> threads;
            for (int i = 0; i < THREADS; i++)
                threads.emplace_back([=] {
                    THREAD = i; BLOCK_X = slice; BLOCK_Y = member; GRID_X = x; GRID_Y = y;
                    gradient(arguments...);
                });
            for (auto& thread : threads) thread.join();
        }
    std::free(shared);
}

extern "C" void launch(int x, int y, int bytes, const float* W, const float* W_o, const float* u, const float* Y, int T,
                       int batch, float alpha, float* z, float* p, float* loss, float* dW, float* dW_o) {
    run(x, y, bytes, W, W_o, u, Y, T, batch, alpha, z, p, loss, dW, dW_o);
}
"""

# Random numbers of about the size of real ones, for a program of its own: ThreadSanitizer does not enter Python.
MAIN = r"""
static std::vector<float> some(size_t n) {
    std::vector<float> x(n);
    for (auto& v : x) v = std::rand() / (float)RAND_MAX - 0.5f;
    return x;
}

int main() {
    const int T = 4, members = 2, slices = 2, batch = slices * B, bytes = BYTES, parts = slices * members;
    auto W = some(members * ROWS * COLUMNS), W_o = some(members * H), u = some(T * members * N * batch);
    auto y = some(members * batch), z = some(T * parts * COLUMNS * B), p = some(T * parts * ROWS * B);
    auto loss = some(parts), dW = some(parts * ROWS * COLUMNS), dW_o = some(parts * H);
    launch(slices, members, bytes, W.data(), W_o.data(), u.data(), y.data(), T, batch, 0.8f, z.data(), p.data(),
           loss.data(), dW.data(), dW_o.data());
}
"""


def built(folder, cell, B, threads, text, *options):
    """The file that g++ makes of the kernel and `text`."""
    sizes = definitions(cell, B, threads) + f"#define BYTES {shared_bytes(cell, B, threads)}\n"
    (folder / "kernel.cpp").write_text(SHIM + sizes + SOURCE + LAUNCH + text)
    command = ["g++", "-std=c++20", "-O1", "-pthread", *options, "kernel.cpp", "-o", "built"]
    subprocess.run(command, cwd=folder, check=True)
    return folder / "built"


def kernel(folder, cell, B, threads):
    """The kernel on a CPU, called with NumPy arrays as CuPy's kernels are with their own."""
    library = ctypes.CDLL(built(folder, cell, B, threads, "", "-shared", "-fPIC"))

    def call(grid, block, arguments, shared_mem):
        assert block == (threads,)
        pointers = ctypes.POINTER(ctypes.c_float)
        for x in arguments:
            assert not isinstance(x, np.ndarray) or (x.dtype == np.float32 and x.flags.c_contiguous)
        converted = [
            x.ctypes.data_as(pointers)
            if isinstance(x, np.ndarray)
            else (ctypes.c_int(x) if x.dtype == np.int32 else ctypes.c_float(x))
            for x in arguments
        ]
        library.launch(*grid, shared_mem, *converted)

    return call
