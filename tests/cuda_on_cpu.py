"""The CUDA sources of the engine on a CPU, with a barrier for __syncthreads.

Shared memory is poisoned before each block, and blocks run one after the other, so that what one does not write itself
is NaN. The threads of a block take turns, each up to its next barrier; or they are real ones, in which ThreadSanitizer
finds a missing barrier.
"""

import ctypes
import re
import subprocess

import numpy as np
import pytest

from engine.common.cuda import LANES

SHIM = r"""
#include <atomic>
#include <cmath>
#include <cstdlib>
#include <cstring>
#include <functional>
#include <memory>
#include <vector>
#define __device__
#define __global__
#define __launch_bounds__(n)
struct alignas(16) float4 { float x, y, z, w; };
static float4 make_float4(float x, float y, float z, float w) { return {x, y, z, w}; }
static float __fdividef(float x, float y) { return x / y; }
static thread_local int THREAD, BLOCK_X, BLOCK_Y, GRID_X, GRID_Y;

#ifdef REAL_THREADS
#include <barrier>
#include <thread>
using Barrier = std::barrier<>;

static void run_block(const std::function<void(int)>& thread) {
    std::vector<std::thread> threads;
    for (int i = 0; i < THREADS; i++) threads.emplace_back(thread, i);
    for (auto& one : threads) one.join();
}
#else
#include <ucontext.h>
static ucontext_t caller, contexts[THREADS];
static bool over[THREADS];
static std::function<void(int)> body;

static void next_turn() {
    const int mine = THREAD;
    int n = mine;
    do n = (n + 1) % THREADS; while (over[n] && n != mine);
    if (n == mine && over[n]) setcontext(&caller);
    THREAD = n;
    if (n != mine) swapcontext(&contexts[mine], &contexts[n]);
}

static void enter() {
    body(THREAD);
    over[THREAD] = true;
    next_turn();
}

class Barrier {
    int expected, arrived = 0, generation = 0;
public:
    explicit Barrier(int threads) : expected(threads) {}
    void arrive_and_wait() {
        const int now = generation;
        if (++arrived == expected) arrived = 0, generation++;
        while (generation == now) next_turn();
    }
};

static void run_block(const std::function<void(int)>& thread) {
    static char stacks[THREADS][1 << 17];
    body = thread;
    for (int i = 0; i < THREADS; i++) {
        over[i] = false;
        getcontext(&contexts[i]);
        contexts[i].uc_stack.ss_sp = stacks[i];
        contexts[i].uc_stack.ss_size = sizeof stacks[i];
        makecontext(&contexts[i], enter, 0);
    }
    THREAD = 0;
    swapcontext(&caller, &contexts[0]);
}
#endif

static Barrier* all;
static std::vector<std::unique_ptr<Barrier>> of_a_task;
static std::atomic<int> any;
static double of_lanes[THREADS];
static void* shared;
#define SYNC all->arrive_and_wait()
#define SHARED(type, name) type* name = (type*)shared

static int ANY(int x) {
    SYNC;
    if (THREAD == 0) any = 0;
    SYNC;
    if (x) any = 1;
    SYNC;
    return any;
}

static double sum_of_lanes(double x) {
    auto& task = *of_a_task[THREAD / LANES];
    for (int n = LANES / 2; n > 0; n /= 2) {
        of_lanes[THREAD] = x;
        task.arrive_and_wait();
        x += of_lanes[THREAD ^ n];
        task.arrive_and_wait();
    }
    return x;
}
"""

LAUNCH = r"""
extern "C" void launch(int grid_x, int grid_y, int bytes, PARAMETERS) {
    shared = std::aligned_alloc(16, (bytes + 15) / 16 * 16);
    for (int block = 0; block < grid_x * grid_y; block++) {
        std::memset(shared, 0xff, bytes);  // NaN in either precision
        Barrier barrier(THREADS);
        all = &barrier;
        of_a_task.clear();
        for (int i = 0; i < THREADS / LANES; i++) of_a_task.push_back(std::make_unique<Barrier>(LANES));
        run_block([=](int i) {
            THREAD = i; BLOCK_X = block % grid_x; BLOCK_Y = block / grid_x; GRID_X = grid_x; GRID_Y = grid_y;
            NAME(ARGUMENTS);
        });
    }
    std::free(shared);
}
"""

SOME = r"""
// Random numbers of about the size of real ones, for a program of its own: ThreadSanitizer does not enter Python.
template <typename real> static std::vector<real> some(size_t n) {
    std::vector<real> x(n);
    for (auto& v : x) v = std::rand() / (real)RAND_MAX - real(0.5);
    return x;
}
"""


def parameters(name, source):
    """The kernel's parameters in C, and their names."""
    text = re.search(rf"void __launch_bounds__\(THREADS\) {name}\(([^)]*)\)", source)[1]
    return text, [re.search(r"\w+$", part)[0] for part in text.split(",")]


def built(folder, name, source, text, *options):
    """The file that g++ makes of the kernel `name`, of a source after its definitions, and `text`."""
    its, names = parameters(name, source)
    launch = LAUNCH.replace("PARAMETERS", its).replace("NAME", name).replace("ARGUMENTS", ", ".join(names))
    sizes = re.search(r"#define THREADS .*\n", source)[0] + f"#define LANES {LANES}\n"
    (folder / "kernel.cpp").write_text(sizes + SHIM + source.replace(sizes, "") + launch + text, encoding="utf-8")
    command = ["g++", "-std=c++20", "-O1", "-pthread", *options, "kernel.cpp", "-o", "built"]
    subprocess.run(command, cwd=folder, check=True)
    return folder / "built"


def kernel(folder, name, source, shared_bytes=0):
    """`engine.common.cuda.compiled` on a CPU: called with NumPy or quiet arrays, as CuPy's kernels with their own."""
    folder = folder / str(len(list(folder.iterdir())))
    folder.mkdir()
    library = ctypes.CDLL(built(folder, name, source, "", "-shared", "-fPIC", "-Wl,-Bsymbolic"))
    types = [part.split("*")[0].split()[-1 if "*" in part else -2] for part in parameters(name, source)[0].split(",")]
    expected = [{"float": np.float32, "double": np.float64, "int": np.int32}[x] for x in types]

    def call(grid, block, arguments, shared_mem=0):
        assert f"#define THREADS {block[0]}\n" in source and shared_mem == shared_bytes
        converted = []
        for x, dtype in zip((getattr(x, "values", x) for x in arguments), expected, strict=True):
            assert x.dtype == dtype
            if isinstance(x, np.ndarray):
                assert x.flags.c_contiguous
                converted.append(ctypes.c_void_p(x.ctypes.data))
            else:
                converted.append(np.ctypeslib.as_ctypes_type(dtype)(x))
        library.launch(*grid, *[1] * (2 - len(grid)), shared_mem, *converted)

    return call


def assert_no_race(folder, name, source, main):
    """That ThreadSanitizer finds nothing in a program with this `main`."""
    program = built(folder, name, source, SOME + main, "-g", "-fsanitize=thread", "-DREAL_THREADS")
    found = subprocess.run([program], capture_output=True, text=True)
    if "unexpected memory mapping" in found.stderr:
        pytest.skip("ThreadSanitizer does not start on this kernel of the operating system")
    assert found.returncode == 0 and "WARNING" not in found.stderr, found.stderr
