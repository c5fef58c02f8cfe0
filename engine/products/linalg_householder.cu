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
extern "C" __global__ void __launch_bounds__(THREADS) qr(const double* X, double* Q, double* R)
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
