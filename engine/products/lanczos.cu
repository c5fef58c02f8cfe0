#define OWN ((H + LANES - 1) / LANES)

// engine.products.lanczos.last_pivot
__device__ static double last_pivot(const double* alpha, const double* beta2, size_t pairs, int step, double x,
                                    double& rate) {
    double d = x - alpha[0], inverse = 1 / d, slope = 1;
    rate = inverse;
    for (int j = 1; j <= step; j++) {
        const double ratio = beta2[(j - 1) * pairs] * inverse;
        slope = 1 + ratio * inverse * slope;
        d = x - alpha[j * pairs] - ratio;
        inverse = 1 / d;
        rate += slope * inverse;
    }
    return d;
}

// engine.products.lanczos.ritz_value: theta one step on, and whether it has converged.
__device__ static bool ritz_value(const double* alpha, const double* beta2, size_t pairs, int step, double& theta) {
    const double half = (theta - alpha[step * pairs]) / 2;
    double x = theta - half + sqrt(half * half + beta2[(step - 1) * pairs]), rate;
    bool converged = false;
    for (int n = 0; n < NEWTON_STEPS && !converged; n++) {
        last_pivot(alpha, beta2, pairs, step, x, rate);
        converged = fabs(1 / rate) <= NEWTON_ERROR * x;
        x -= 1 / rate;
    }
    theta = x;
    return converged;
}

// start (H); v, before, w (pair, H); alpha, beta2 (step, pair); theta, rho, found (pair).
extern "C" __global__ void __launch_bounds__(THREADS) advance(
    const double* start, double* v, double* before, const double* alpha, double* beta2, double* theta, double* rho,
    double* found, const double* w, int step, int pairs)
{
    const int lane = THREAD % LANES;
    const size_t pair = ((size_t)BLOCK_X * THREADS + THREAD) / LANES, size = pairs;
    if (pair >= size || found[pair] == found[pair] || rho[pair] == INFINITY) return;
    double own[OWN], squared = 0, overlap = 0, rate;
    double its_theta = theta[pair], its_rho = rho[pair] - alpha[step * size + pair];  // read before a lane writes them
    const double a = alpha[step * size + pair], b = step ? sqrt(beta2[(step - 1) * size + pair]) : 0;
    for (int n = 0; n < OWN; n++) {
        const size_t h = n * LANES + lane, at = pair * H + h;
        own[n] = h < H ? w[at] - a * v[at] - b * before[at] : 0;
        squared += own[n] * own[n];
        overlap += h < H ? own[n] * start[h] : 0;
    }
    squared = sum_of_lanes(squared);
    overlap = sum_of_lanes(overlap);
    bool converged = true;
    if (step == 0) its_theta = a;
    else converged = ritz_value(alpha + pair, beta2 + pair, size, step, its_theta);
    const double x = its_theta * (1 + TOLERANCE);
    const double d = last_pivot(alpha + pair, beta2 + pair, size, step, x, rate);
    const bool proven = converged && its_rho + squared / d < x;
    const bool lost = overlap * overlap >= ORTHOGONAL * ORTHOGONAL * squared;
    if (lane == 0) {
        beta2[step * size + pair] = squared;
        theta[pair] = its_theta;
        rho[pair] = lost ? INFINITY : its_rho;
        if (proven) found[pair] = its_theta;
    }
    const double inverse = proven || lost ? 0 : 1 / sqrt(squared);
    for (int n = 0; n < OWN; n++) {
        const size_t h = n * LANES + lane, at = pair * H + h;
        if (h < H) {
            before[at] = v[at];
            v[at] = own[n] * inverse;
        }
    }
}
