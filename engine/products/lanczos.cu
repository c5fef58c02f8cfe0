#define OWN ((H + LANES - 1) / LANES)

// theta and last2 of the tridiagonal matrix of steps 0..step, from those of 0..step - 1.
__device__ static void ritz_value(const double* alpha, const double* beta2, size_t pairs, int step, double& theta,
                                  double& last2) {
    const double a = alpha[step * pairs], w = beta2[(step - 1) * pairs] * last2, before = theta - a;
    const double root = sqrt(before * before + 4 * w);
    double x = theta + (before < 0 ? 0.5 * (root - before) : 2 * w / (root + before)), slope = -1;
    for (int n = 0; n < NEWTON_STEPS; n++) {
        double d = alpha[0] - x;
        slope = -1;
        for (int j = 1; j <= step; j++) {
            const double inverse = 1 / d, ratio = beta2[(j - 1) * pairs] * inverse;
            d = alpha[j * pairs] - x - ratio;
            slope = -1 + ratio * inverse * slope;
        }
        const double moved = x - theta, gap = x - a;
        if (moved < 1e-13 * x) {
            slope = -1 - gap * gap / w;
            break;
        }
        const double change = -d / slope;
        x += change;
        if (change * change < 1e-15 * moved * x) break;
    }
    theta = x;
    last2 = -1 / slope;
}

// v, before, w (pair, H); alpha, beta2 (step, pair); theta, last2, found (pair).
extern "C" __global__ void __launch_bounds__(THREADS) advance(
    double* v, double* before, const double* alpha, double* beta2, double* theta, double* last2, double* found,
    const double* w, int step, int pairs, double tolerance)
{
    const int lane = THREAD % LANES;
    const size_t pair = ((size_t)BLOCK_X * THREADS + THREAD) / LANES, size = pairs;
    if (pair >= size || found[pair] == found[pair]) return;
    double own[OWN], squared = 0, its_theta = theta[pair], its_last2 = last2[pair];
    const double a = alpha[step * size + pair], b = step ? sqrt(beta2[(step - 1) * size + pair]) : 0;
    for (int n = 0; n < OWN; n++) {
        const size_t h = n * LANES + lane, at = pair * H + h;
        own[n] = h < H ? w[at] - a * v[at] - b * before[at] : 0;
        squared += own[n] * own[n];
    }
    squared = sum_of_lanes(squared);
    if (step == 0) {
        its_theta = a;
        its_last2 = 1;
    } else {
        ritz_value(alpha + pair, beta2 + pair, size, step, its_theta, its_last2);
    }
    const double bound = tolerance * its_theta;
    const bool done = squared * its_last2 <= bound * bound;
    if (lane == 0) {
        beta2[step * size + pair] = squared;
        theta[pair] = its_theta;
        last2[pair] = its_last2;
        if (done) found[pair] = its_theta;
    }
    const double inverse = done ? 0 : 1 / sqrt(squared);
    for (int n = 0; n < OWN; n++) {
        const size_t h = n * LANES + lane, at = pair * H + h;
        if (h < H) {
            before[at] = v[at];
            v[at] = own[n] * inverse;
        }
    }
}
