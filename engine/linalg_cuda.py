"""Singular values and QR factors of many small matrices as CUDA kernels, a block of threads a matrix in shared memory.

- `rotated`: one-sided Jacobi. Pairs of rows are rotated until all are orthogonal; they are then s_i v_i^T. Singular
  values of a matrix whose rows differ in scale alone keep their relative accuracy, however small they are (Demmel and
  Veselic 1992).
- `reflected`: Householder reflections, as LAPACK's geqr2 and org2r.

CuPy's own functions take matrices of more than 32 rows one by one. engine.linalg says which arrays come here.
"""

import numpy as np

from engine import cuda
from engine.backend import namespace

SWEEPS = 40  # some ten are taken
# Below, the squares that angles are made of underflow: rows so small count as orthogonal, and are of no use.
SMALLEST = 1e-140

JACOBI = r"""
#define M ((N + 1) / 2 * 2)        // rows, one of them 0 where N is odd
#define S ((N + 15) / 16 * 16 + 8) // from row to row: tasks side by side then read from different banks
#define EPSILON 2.220446049250313e-16

__device__ static double dot(const double* a, const double* b, int lane) {
    double sum = 0;
    for (int h = lane; h < N; h += LANES) sum += a[h] * b[h];
    return sum_of_lanes(sum);
}

// Makes two rows orthogonal. Whether they were not.
__device__ static bool rotate(double* a, double* b, int lane) {
    const double aa = dot(a, a, lane), bb = dot(b, b, lane), ab = dot(a, b, lane);
    if (aa < SMALLEST * SMALLEST || bb < SMALLEST * SMALLEST) return false;
    if (!(fabs(ab) > sqrt((double)N) * EPSILON * sqrt(aa) * sqrt(bb))) return false;
    const double zeta = (bb - aa) / (2 * ab);
    const double t = (zeta < 0 ? -1 : 1) / (fabs(zeta) + sqrt(1 + zeta * zeta));
    const double c = 1 / sqrt(1 + t * t), s = c * t;
    for (int h = lane; h < N; h += LANES) {
        const double x = a[h], y = b[h];
        a[h] = c * x - s * y;
        b[h] = s * x + c * y;
    }
    return true;
}

// X (matrix, N, N) to s (matrix, N) in falling order and, where VECTORS is 1, the rows of unit norm V (matrix, N, N).
// Where the rows do not become orthogonal, or are not finite, s and V are left as they are.
extern "C" __global__ void __launch_bounds__(THREADS) rotated(const double* X, double* s, double* V)
{
    SHARED(double, memory);
    double* rows = memory;         // (M, S)
    double* norms = rows + M * S;  // (M)
    const int task = THREAD / LANES, lane = THREAD % LANES;
    const size_t first = (size_t)BLOCK_X * N;

    for (int i = task; i < M; i += THREADS / LANES)
        for (int h = lane; h < N; h += LANES) rows[i * S + h] = i < N ? X[(first + i) * N + h] : 0;
    SYNC;

    bool orthogonal = false;
    for (int sweep = 0; sweep < SWEEPS && !orthogonal; sweep++) {
        bool turned = false;
        for (int round = 0; round < M - 1; round++) {  // as players of a tournament: each meets each once
            if (task < M / 2) {
                const int i = task ? (round + task) % (M - 1) : M - 1, j = (round + M - 1 - task) % (M - 1);
                turned |= rotate(rows + i * S, rows + j * S, lane);
            }
            SYNC;
        }
        orthogonal = !ANY(turned);
    }
    if (!orthogonal) return;

    bool finite = true;
    for (int i = task; i < N; i += THREADS / LANES) {
        const double squared = dot(rows + i * S, rows + i * S, lane);
        if (lane == 0) norms[i] = sqrt(squared);
        finite &= squared < INFINITY;
    }
    if (ANY(!finite)) return;
    for (int i = task; i < N; i += THREADS / LANES) {
        const double norm = norms[i];
        int place = 0;
        for (int j = 0; j < N; j++) place += norms[j] > norm || (norms[j] == norm && j < i);
        if (lane == 0) s[first + place] = norm;
        if (VECTORS)
            for (int h = lane; h < N; h += LANES)
                V[(first + place) * N + h] = norm > 0 ? rows[i * S + h] / norm : 0;
    }
}
"""

HOUSEHOLDER = r"""
#define S ((N + 15) / 16 * 16 + 8)
#define TASKS (THREADS / LANES)

// b -= beta (v^T b) v, from row `first` on.
__device__ static void reflect(const double* v, double* b, double beta, int first, int lane) {
    double sum = 0;
    for (int h = first + lane; h < N; h += LANES) sum += v[h] * b[h];
    sum = beta * sum_of_lanes(sum);
    for (int h = first + lane; h < N; h += LANES) b[h] -= sum * v[h];
}

// X (matrix, N, N) = Q R, both (matrix, N, N).
extern "C" __global__ void __launch_bounds__(THREADS) reflected(const double* X, double* Q, double* R)
{
    SHARED(double, memory);
    double* columns = memory;            // (N, S): of X, then of R above the diagonal and v from it on, then of Q
    double* diagonal = columns + N * S;  // (N)
    double* betas = diagonal + N;        // (N)
    const int task = THREAD / LANES, lane = THREAD % LANES;
    const size_t first = (size_t)BLOCK_X * N * N;

    for (int i = THREAD; i < N * N; i += THREADS) columns[i % N * S + i / N] = X[first + i];
    SYNC;
    for (int j = 0; j < N; j++) {
        double* v = columns + j * S;
        if (task == 0) {
            double size = 0, squared = 0;
            for (int h = j + lane; h < N; h += LANES) size += fabs(v[h]);
            size = sum_of_lanes(size);  // or the squares of a small column would underflow
            for (int h = j + lane; h < N; h += LANES) {
                v[h] = size > 0 ? v[h] / size : 0;
                squared += v[h] * v[h];
            }
            squared = sum_of_lanes(squared);
            if (lane == 0) {
                const double head = v[j], end = head > 0 ? -sqrt(squared) : sqrt(squared);
                diagonal[j] = end * size;
                v[j] = head - end;
                betas[j] = squared > 0 ? 1 / (squared - head * end) : 0;  // 2 / v^T v
            }
        }
        SYNC;
        for (int k = j + 1 + task; k < N; k += TASKS) reflect(v, columns + k * S, betas[j], j, lane);
        SYNC;
    }
    for (int i = THREAD; i < N * N; i += THREADS) {
        const int h = i / N, k = i % N;
        R[first + i] = h < k ? columns[k * S + h] : h == k ? diagonal[k] : 0;
    }
    SYNC;
    for (int j = N - 1; j >= 0; j--) {
        double* v = columns + j * S;
        for (int k = j + 1 + task; k < N; k += TASKS) reflect(v, columns + k * S, betas[j], j, lane);
        SYNC;
        const double head = v[j];
        SYNC;
        for (int h = THREAD; h < N; h += THREADS) v[h] = h < j ? 0 : (h == j ? 1 : 0) - betas[j] * head * v[h];
        SYNC;
    }
    for (int i = THREAD; i < N * N; i += THREADS) Q[first + i] = columns[i % N * S + i / N];
}
"""


def threads_of_a_block(N):
    """LANES for every pair of rows, in whole warps."""
    return -(-((N + 1) // 2) * cuda.LANES // 32) * 32


def shared_bytes(N):
    """What a block holds: rows that are S apart, and two numbers a row."""
    return 8 * (N + 1) * (-(-N // 16) * 16 + 8 + 2)


def has_kernel(x):
    """Whether the kernels take these matrices."""
    if not cuda.on_gpu(x) or x.dtype != np.float64 or x.shape[-2] != x.shape[-1]:
        return False
    N = x.shape[-1]
    return threads_of_a_block(N) <= 1024 and shared_bytes(N) <= cuda.most_shared_bytes()


def launch(name, source, x, *results, **options):
    N = x.shape[-1]
    threads = threads_of_a_block(N)
    kernel = cuda.compiled(name, cuda.definitions(N=N, THREADS=threads, **options) + source, shared_bytes(N))
    kernel((x.size // N**2,), (threads,), (namespace(x).ascontiguousarray(x), *results), shared_mem=shared_bytes(N))
    return results


def rotated(x, vectors=False):
    """Singular values (..., N) in falling order of x (..., N, N) and, if asked for, V^T (..., N, N).

    NaN for a matrix that is not finite; the vector of a value 0 is 0. Values that are not near 1 in size lose accuracy
    to underflow or overflow.
    """
    xp = namespace(x)
    s = xp.full(x.shape[:-1], xp.nan)
    V = xp.full(x.shape, xp.nan) if vectors else s
    launch("rotated", JACOBI, x, s, V, VECTORS=int(vectors), SWEEPS=SWEEPS, SMALLEST=SMALLEST)
    return (s, V) if vectors else s


def reflected(x):
    """Q and R (..., N, N) of x (..., N, N)."""
    xp = namespace(x)
    return launch("reflected", HOUSEHOLDER, x, xp.empty(x.shape), xp.empty(x.shape))
