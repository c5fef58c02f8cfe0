"""The training gradient as one CUDA kernel for a whole sequence, for float32 on a GPU.

`engine.unroll.loss_and_gradient` is the definition. In its plain form an update is T times some twenty launches, each
of which takes longer to start than to run at H = 64. Here it is one: a block of threads holds the weights of a member
and a slice of its batch in shared memory, walks over t = 1..T and back, and keeps its part of dL/dW in registers; only
what the way back needs goes to device memory. The parts of a member's slices are then summed, in a fixed order.

A cell has this form if it stands in GATES and its weights fit in shared memory; any other is trained by the plain form.
tests/test_fused_cuda.py compiles the source for a CPU as well, and holds both forms equal to rounding there.
"""

import numpy as np

from engine import cuda
from engine.backend import namespace
from engine.cells import Leaky, Multi, Plain, Scalar
from engine.unroll import Parameters

GATES = {Plain: 0, Leaky: 0, Scalar: 1, Multi: 2}
SAMPLES = (16, 8, 4)  # of a batch in one block, the first that divides it
LARGEST = 128  # units, beyond which the gradient does not fit in registers

SOURCE = r"""
// GATE: 0 constant, 1 shared, 2 one a unit; H units, N inputs, B samples of a block (a multiple of 4), THREADS.
// Matrices of a step lie unit by unit, samples side by side, a row being S floats apart.
#define ROWS (GATE == 0 ? H : GATE == 1 ? H + 1 : 2 * H)
#define COLUMNS (H + N)
#define UP(x) (((x) + 3) / 4 * 4)
#define R UP(ROWS)
#define C UP(COLUMNS)
#define S (B + 4)  // rows that follow each other start in different banks
#define DW_TILES (R / 4 * (C / 4))
#define OWN_TILES ((DW_TILES + THREADS - 1) / THREADS)
#define NEGLIGIBLE 7.888609e-31f  // 2^-100: see engine.fused
#define EACH(i, n) for (int i = THREAD; i < (n); i += THREADS)

__device__ static float sigmoid(float s) { return 0.5f + 0.5f * tanhf(0.5f * s); }

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

// Grid: (slice of the batch, member). W (member, ROWS, COLUMNS), W_o (member, H), u (T, member, N, batch), y (member,
// batch); what the way back needs, z (T, block, COLUMNS, B) and p (T, block, ROWS, B); and out, one part a slice:
// loss (slice, member), dW (slice, member, ROWS, COLUMNS), dW_o (slice, member, H).
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

    const int slice = BLOCK_X, member = BLOCK_Y, members = GRID_Y, block = member * GRID_X + slice;
    const size_t blocks = (size_t)members * GRID_X, first = (size_t)slice * B;
    const float* W_m = W + (size_t)member * ROWS * COLUMNS;

    EACH(i, R * C) {
        const int c = i / R, r = i % R;
        w[i] = r < ROWS && c < COLUMNS ? W_m[r * COLUMNS + c] : 0;
    }
    EACH(i, C * S) z[i] = 0;
    SYNC;

    for (int t = 0; t < T; t++) {
        float* z_out = z_kept + (t * blocks + block) * COLUMNS * B;
        float* p_out = p_kept + (t * blocks + block) * ROWS * B;
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
        if (GATE == 1) {
            EACH(b, B) p[H * S + b] = p_out[H * B + b] = sigmoid(p[H * S + b]);
            SYNC;
        }
        EACH(i, H * B) {
            const int here = i / B * S + i % B;
            const float phi = tanhf(p[here]), x = z[here];
            p_out[i] = phi;
            if (GATE == 0) {
                z[here] = (1 - alpha) * x + alpha * phi;
            } else {
                const float g = GATE == 1 ? p[H * S + i % B] : sigmoid(p[H * S + here]);
                if (GATE == 2) p_out[H * B + i] = g;
                z[here] = x + g * (phi - x);
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
    EACH(i, R * C) {
        const int r = i / C, c = i % C;
        w[i] = r < ROWS && c < COLUMNS ? W_m[r * COLUMNS + c] : 0;
    }
    float own[OWN_TILES][4][4] = {};
    SYNC;

    for (int t = T - 1; t >= 0; t--) {
        const float* z_in = z_kept + (t * blocks + block) * COLUMNS * B;
        const float* p_in = p_kept + (t * blocks + block) * ROWS * B;
        EACH(i, COLUMNS * B) z[i / B * S + i % B] = z_in[i];
        EACH(i, ROWS * B) p[i / B * S + i % B] = p_in[i];
        SYNC;
        if (GATE == 1) {  // dL/dg in parts: the units i, i + THREADS / B, ... of one sample
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
            const float phi = p[here], l = lam[here];
            if (GATE == 0) {
                p[here] = alpha * l * (1 - phi * phi);
                lam[here] = (1 - alpha) * l;
            } else {
                const float g = GATE == 1 ? p[H * S + i % B] : p[H * S + here], l_g = l * g;
                p[here] = l_g * (1 - phi * phi);
                if (GATE == 2) p[H * S + here] = l_g * (phi - z[here]) * (1 - g);
                lam[here] = l - l_g;
            }
        }
        SYNC;
        if (GATE == 1) {
            EACH(b, B) {
                float sum = 0;
                for (int j = b; j < THREADS / B * B; j += B) sum += sums[j];
                const float g = p[H * S + b];
                p[H * S + b] = sum * g * (1 - g);
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
                    if (row < ROWS && column < COLUMNS)
                        dW[(((size_t)slice * members + member) * ROWS + row) * COLUMNS + column] = own[n][j][k];
                }
    }
}
"""


def samples_of_a_block(batch):
    """How many samples of a batch a block takes; None where the batch cannot be cut."""
    return next((B for B in SAMPLES if batch % B == 0), None)


def threads_of_a_block(units):
    return 128 if units <= 64 else 256


def shared_bytes(cell, B, threads):
    """What a block holds in shared memory, see the kernel's first lines."""
    R, C = (-(-size // 4) * 4 for size in cell.shape)
    return 4 * (R * C + (C + R + cell.units) * (B + 4) + B + threads)


def has_kernel(cell, batch):
    """Whether the kernel is there for this cell and batch."""
    B = samples_of_a_block(batch)
    fits = type(cell) in GATES and cell.units % 4 == 0 and cell.units <= LARGEST and B
    return bool(fits) and shared_bytes(cell, B, threads_of_a_block(cell.units)) <= cuda.SHARED_BYTES


def definitions(cell, B, threads):
    """The kernel's sizes, ahead of its source."""
    return cuda.definitions(GATE=GATES[type(cell)], H=cell.units, N=cell.inputs, B=B, THREADS=threads)


class CudaGradient:
    """Called with (parameters, u, y) it returns what `loss_and_gradient` does; its working memory is made once."""

    def __init__(self, cell, parameters, T, batch):
        xp, members = namespace(parameters.W), len(parameters.W)
        rows, columns = cell.shape
        self.T, self.batch, self.alpha = T, batch, getattr(cell, "alpha", 0.0)
        self.B, self.threads = samples_of_a_block(batch), threads_of_a_block(cell.units)
        self.grid = slices, _ = batch // self.B, members
        self.shared_bytes = shared_bytes(cell, self.B, self.threads)
        self.kernel = cuda.compiled("gradient", definitions(cell, self.B, self.threads) + SOURCE, self.shared_bytes)
        self.z = xp.empty((T, members * slices, columns, self.B), np.float32)
        self.p = xp.empty((T, members * slices, rows, self.B), np.float32)
        self.loss = xp.empty((slices, members), np.float32)
        self.dW = xp.empty((slices, *parameters.W.shape), np.float32)
        self.dW_o = xp.empty((slices, *parameters.W_o.shape), np.float32)

    def __call__(self, parameters, u, y):
        sizes = np.int32(self.T), np.int32(self.batch), np.float32(self.alpha)
        parts = self.loss, self.dW, self.dW_o
        arguments = (*parameters, u, y, *sizes, self.z, self.p, *parts)
        self.kernel(self.grid, (self.threads,), arguments, shared_mem=self.shared_bytes)
        xp = namespace(y)
        loss, dW, dW_o = (xp.sum(part, axis=0) for part in parts)
        return loss, Parameters(dW, dW_o)
