"""Training of an ensemble; the gradient is in engine.network.

train               initial weights, passes over the members, divergence
updates             one pass: the loop over updates, and its state
data                batches, new or of a training set; prefetch: drawn by other processes while a GPU computes
held_out            the loss on a batch that is not trained on
update_statistics   how a step differs from its gradient
checkpoint          saves and restores an interrupted training
"""
