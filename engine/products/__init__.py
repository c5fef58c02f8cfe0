"""Products of many Jacobians.

scaled            matrices that carry a power of two as their scale, and their products
spectral_norms    norms of all products at once: spectral_norms_plain on any arrays, spectral_norms_numba compiled
singular_values   of chosen products, each to high relative accuracy; compiled: formed_numba, graded_numba
growth_rates      of the directions that a stream of Jacobians carries along; compiled: growth_rates_numba
diagonals         of the products between any two times
lanczos           largest eigenvalues of many matrices: also lanczos_numba, and lanczos_cuda with lanczos.cu
linalg            decompositions of stacks: also linalg_numba, and linalg_cuda with its .cu files
"""
