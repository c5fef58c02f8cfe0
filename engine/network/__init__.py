"""A cell over time: forward pass, backpropagation through time, Jacobians, the training gradient."""
