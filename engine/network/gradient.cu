// The training gradient, backpropagation through time, as CUDA kernels: of engine/network/gradient_cuda.py.
// GATE is that of a cell of engine/cells; H units, N inputs, B samples of a block (a multiple of 4).
// Matrices of a step lie unit by unit, samples side by side, a row being S floats apart.
#define CONSTANT (GATE == 0)  // plain and leaky
#define SCALAR (GATE == 1)
#define MULTI (GATE == 2)
#define GRU (GATE == 3)
#define LSTM (GATE == 4)
#define ROWS (CONSTANT ? H : SCALAR ? H + 1 : MULTI ? 2 * H : 4 * H)
#define COLUMNS (H + N)
#define W_ROWS (GRU ? 3 * H : ROWS)
#define KEPT (LSTM ? 5 * H : ROWS)  // rows of p that the way back needs, and c_{t-1} of an LSTM
#define UP(x) (((x) + 3) / 4 * 4)
#define R UP(ROWS)
#define C UP(COLUMNS)
#define S (B + 4)  // rows that follow each other start in different banks
#define DW_TILES (R / 4 * (C / 4))
#define OWN_TILES ((DW_TILES + THREADS - 1) / THREADS)
#define NEGLIGIBLE 7.888609e-31f  // 2^-100: see engine.network.steps_numba
#define EACH(i, n) for (int i = THREAD; i < (n); i += THREADS)

// exp(s) = g / (1 - g) of a gate g = sigma(s), from 2^-100 to 2^100: both shares come from it with all their digits.
__device__ static float odds(float s) { return expf(s > 69.3f ? 69.3f : s < -69.3f ? -69.3f : s); }

__device__ static float shut_share(float k) { return __fdividef(1.0f, 1.0f + k); }  // 1 - g

__device__ static float open_share(float k) { return k * shut_share(k); }  // g

__device__ static void fma4(float4& sum, float a, const float4& x) {
    sum.x += a * x.x; sum.y += a * x.y; sum.z += a * x.z; sum.w += a * x.w;
}

__device__ static float dot4(const float4& a, const float4& b) { return a.x * b.x + a.y * b.y + a.z * b.z + a.w * b.w; }

// out[4 i .. 4 i + 3][4 j .. 4 j + 3] of sum_k M[k][.] X[k][.], M with rows of `width` floats.
__device__ static void tile(const float* M, int width, const float* X, int depth, int i, int j, float4 out[4]) {
    for (int r = 0; r < 4; r++) out[r] = make_float4(0, 0, 0, 0);
    #pragma unroll 4
    for (int k = 0; k < depth; k++) {
        const float4 m = *(const float4*)(M + k * width + 4 * i), x = *(const float4*)(X + k * S + 4 * j);
        fma4(out[0], m.x, x); fma4(out[1], m.y, x); fma4(out[2], m.z, x); fma4(out[3], m.w, x);
    }
}

// Where row r of the weights here stands in W. A GRU scales W_r h by its reset gate, but not W_i u: here these are the
// first and the last H rows, in W the same.
__device__ static int row_of_W(int r) { return GRU && r >= 3 * H ? r - 3 * H : r; }

__device__ static bool is_weight(int r, int c) {
    return r < ROWS && c < COLUMNS && !(GRU && (r < H ? c >= H : r >= 3 * H && c < H));
}

__device__ static float weight(const float* W, int r, int c) {
    return is_weight(r, c) ? W[row_of_W(r) * COLUMNS + c] : 0;
}

// Grid: (slice of the batch, member). W (member, W_ROWS, COLUMNS), W_o (member, H), u (T, member, N, batch), y (member,
// batch); what the way back needs, z (T, block, COLUMNS, B) and p (T, block, KEPT, B); and out, one part a slice:
// loss (slice, member), dW (slice, member, W_ROWS, COLUMNS), dW_o (slice, member, H).
extern "C" __global__ void __launch_bounds__(THREADS) gradient(
    const float* W, const float* W_o, const float* u, const float* y, int T, int batch, float alpha,
    float* z_kept, float* p_kept, float* loss, float* dW, float* dW_o)
{
    SHARED(float, memory);
    float* w = memory;           // the weights: by column on the way there (C, R), by row on the way back (R, C)
    float* z = w + R * C;        // z_t (C, S)
    float* p = z + C * S;        // the rows of W z_t, then what a step keeps of them, then delta (R, S)
    float* lam = p + R * S;      // lambda_t (H, S)
    float* error = lam + H * S;  // (B)
    float* sums = error + B;     // parts of a sum over units (THREADS)
    float* c = sums + THREADS;   // an LSTM's memory c_{t-1} (H, S)
    float* lam_c = c + H * S;    // and its part of lambda_t (H, S)

    const int slice = BLOCK_X, member = BLOCK_Y, members = GRID_Y, block = member * GRID_X + slice;
    const size_t blocks = (size_t)members * GRID_X, first = (size_t)slice * B;
    const float* W_m = W + (size_t)member * W_ROWS * COLUMNS;

    EACH(i, R * C) w[i] = weight(W_m, i % R, i / R);
    EACH(i, C * S) z[i] = 0;
    if (LSTM) EACH(i, H * S) c[i] = lam_c[i] = 0;
    SYNC;

    for (int t = 0; t < T; t++) {
        float* z_out = z_kept + (t * blocks + block) * COLUMNS * B;
        float* p_out = p_kept + (t * blocks + block) * KEPT * B;
        const float* u_t = u + ((size_t)t * members + member) * N * batch + first;
        EACH(i, N * B) z[(H + i / B) * S + i % B] = u_t[i / B * batch + i % B];
        SYNC;
        EACH(i, R / 4 * (B / 4)) {
            float4 out[4];
            const int r = i % (R / 4), b = i / (R / 4);
            tile(w, R, z, COLUMNS, r, b, out);
            for (int j = 0; j < 4; j++) *(float4*)(p + (4 * r + j) * S + 4 * b) = out[j];
        }
        EACH(i, COLUMNS * B) z_out[i] = z[i / B * S + i % B];
        SYNC;
        if (SCALAR) {
            EACH(b, B) p[H * S + b] = p_out[H * B + b] = odds(p[H * S + b]);
            SYNC;
        }
        EACH(i, H * B) {
            const int here = i / B * S + i % B;
            const float x = z[here];
            if (GRU) {
                const float q = p[here], reset = odds(p[H * S + here]), update = odds(p[2 * H * S + here]);
                const float phi = tanhf(p[3 * H * S + here] + open_share(reset) * q);
                p_out[i] = q, p_out[H * B + i] = reset, p_out[2 * H * B + i] = update, p_out[3 * H * B + i] = phi;
                z[here] = open_share(update) * x + shut_share(update) * phi;
                continue;
            }
            const float phi = tanhf(p[here]);
            p_out[i] = phi;
            if (LSTM) {
                const float input = odds(p[H * S + here]), forget = odds(p[2 * H * S + here]);
                const float output = odds(p[3 * H * S + here]), before = c[here];
                p_out[H * B + i] = input, p_out[2 * H * B + i] = forget, p_out[3 * H * B + i] = output;
                p_out[4 * H * B + i] = before;
                c[here] = open_share(forget) * before + open_share(input) * phi;
                z[here] = open_share(output) * tanhf(c[here]);
            } else if (CONSTANT) {
                z[here] = (1 - alpha) * x + alpha * phi;
            } else {
                const float gate = SCALAR ? p[H * S + i % B] : odds(p[H * S + here]);
                if (MULTI) p_out[H * B + i] = gate;
                z[here] = shut_share(gate) * x + open_share(gate) * phi;
            }
        }
        SYNC;
    }

    EACH(b, B) {
        float sum = -y[(size_t)member * batch + first + b];
        for (int i = 0; i < H; i++) sum += W_o[member * H + i] * z[i * S + b];
        error[b] = sum;
    }
    SYNC;
    EACH(i, 1) {
        float sum = 0;
        for (int b = 0; b < B; b++) sum += error[b] * error[b];
        loss[(size_t)slice * members + member] = sum / batch;
    }
    EACH(i, H) {
        float sum = 0;
        for (int b = 0; b < B; b++) {
            const float e = error[b] * (2.0f / batch);
            sum += e * z[i * S + b];
            lam[i * S + b] = e * W_o[member * H + i];
        }
        dW_o[((size_t)slice * members + member) * H + i] = sum;
    }
    EACH(i, R * C) w[i] = weight(W_m, i / C, i % C);
    float own[OWN_TILES][4][4] = {};
    SYNC;

    for (int t = T - 1; t >= 0; t--) {
        const float* z_in = z_kept + (t * blocks + block) * COLUMNS * B;
        const float* p_in = p_kept + (t * blocks + block) * KEPT * B;
        EACH(i, COLUMNS * B) z[i / B * S + i % B] = z_in[i];
        EACH(i, ROWS * B) p[i / B * S + i % B] = p_in[i];
        if (LSTM) EACH(i, H * B) c[i / B * S + i % B] = p_in[4 * H * B + i];
        SYNC;
        if (SCALAR) {  // dL/dg in parts: the units i, i + THREADS / B, ... of one sample
            EACH(j, THREADS / B * B) {
                float sum = 0;
                for (int i = j / B; i < H; i += THREADS / B) {
                    const int here = i * S + j % B;
                    sum += lam[here] * (p[here] - z[here]);
                }
                sums[j] = sum;
            }
            SYNC;
        }
        EACH(i, H * B) {
            const int here = i / B * S + i % B;
            const float l = lam[here];
            if (GRU) {
                const float q = p[here], reset = p[H * S + here], update = p[2 * H * S + here];
                const float phi = p[3 * H * S + here], l_g = l * shut_share(update);
                const float by_a = l_g * (1 - phi * phi), by_q = by_a * open_share(reset);
                p[here] = by_q;
                p[H * S + here] = by_q * q * shut_share(reset);
                p[2 * H * S + here] = l_g * (z[here] - phi) * open_share(update);
                p[3 * H * S + here] = by_a;
                lam[here] = l * open_share(update);
                continue;
            }
            const float phi = p[here];
            if (LSTM) {
                const float input = p[H * S + here], forget = p[2 * H * S + here], output = p[3 * H * S + here];
                const float phi_c = tanhf(open_share(forget) * c[here] + open_share(input) * phi);
                const float l_c = lam_c[here] + l * open_share(output) * (1 - phi_c * phi_c);
                p[here] = l_c * open_share(input) * (1 - phi * phi);
                p[H * S + here] = l_c * phi * open_share(input) * shut_share(input);
                p[2 * H * S + here] = l_c * c[here] * open_share(forget) * shut_share(forget);
                p[3 * H * S + here] = l * phi_c * open_share(output) * shut_share(output);
                lam_c[here] = l_c * open_share(forget);
                lam[here] = 0;
            } else if (CONSTANT) {
                p[here] = alpha * l * (1 - phi * phi);
                lam[here] = (1 - alpha) * l;
            } else {
                const float gate = SCALAR ? p[H * S + i % B] : p[H * S + here], l_g = l * open_share(gate);
                p[here] = l_g * (1 - phi * phi);
                if (MULTI) p[H * S + here] = l_g * (phi - z[here]) * shut_share(gate);
                lam[here] = l * shut_share(gate);
            }
        }
        SYNC;
        if (SCALAR) {
            EACH(b, B) {
                float sum = 0;
                for (int j = b; j < THREADS / B * B; j += B) sum += sums[j];
                const float gate = p[H * S + b];
                p[H * S + b] = sum * open_share(gate) * shut_share(gate);
            }
            SYNC;
        }
        EACH(i, H / 4 * (B / 4)) {
            float4 out[4];
            const int h = i % (H / 4), b = i / (H / 4);
            tile(w, C, p, ROWS, h, b, out);
            for (int j = 0; j < 4; j++) {
                float4* at = (float4*)(lam + (4 * h + j) * S + 4 * b);
                float4 l = *at;
                l.x += out[j].x; l.y += out[j].y; l.z += out[j].z; l.w += out[j].w;
                l.x = fabsf(l.x) < NEGLIGIBLE ? 0 : l.x; l.y = fabsf(l.y) < NEGLIGIBLE ? 0 : l.y;
                l.z = fabsf(l.z) < NEGLIGIBLE ? 0 : l.z; l.w = fabsf(l.w) < NEGLIGIBLE ? 0 : l.w;
                *at = l;
            }
        }
        #pragma unroll
        for (int n = 0; n < OWN_TILES; n++) {  // rows r, r + R / 4, ... by columns c, c + C / 4, ...
            const int i = n * THREADS + THREAD, c = i % (C / 4), r = i / (C / 4);
            if (i < DW_TILES)
                for (int b = 0; b < B; b += 4) {
                    float4 x[4];
                    for (int k = 0; k < 4; k++) x[k] = *(const float4*)(z + (c + k * (C / 4)) * S + b);
                    for (int j = 0; j < 4; j++) {
                        const float4 d = *(const float4*)(p + (r + j * (R / 4)) * S + b);
                        for (int k = 0; k < 4; k++) own[n][j][k] += dot4(d, x[k]);
                    }
                }
        }
        SYNC;
    }

    #pragma unroll
    for (int n = 0; n < OWN_TILES; n++) {
        const int i = n * THREADS + THREAD, c = i % (C / 4), r = i / (C / 4);
        if (i < DW_TILES)
            for (int j = 0; j < 4; j++)
                for (int k = 0; k < 4; k++) {
                    const int row = r + j * (R / 4), column = c + k * (C / 4);
                    if (is_weight(row, column))
                        dW[(((size_t)slice * members + member) * W_ROWS + row_of_W(row)) * COLUMNS + column]
                            = own[n][j][k];
                }
    }
}
