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
extern "C" __global__ void __launch_bounds__(THREADS) singular_values(const double* X, double* s, double* V)
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
