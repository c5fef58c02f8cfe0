"""A cell over time.

unroll defines: forward pass, backpropagation through time, Jacobians. gradient chooses the training gradient:
gradient_numba (with steps_numba), gradient_cuda (with gradient.cu) or unroll. samples chooses the gradients of single
samples: samples_numba or unroll. ensemble holds trained networks.
"""
