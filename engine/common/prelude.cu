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
