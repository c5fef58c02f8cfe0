"""Recurrent networks whose training, Jacobians and time scales are computed by hand, on any array namespace.

One room a line; a room imports only from rooms above it.

common      arrays and their namespaces, random streams, statistics, files: no science
cells       what a recurrent cell is: its step, the way back, its Jacobian and its gates
losses      what outputs cost beside their targets
tasks       inputs and targets, and the loss that compares them with outputs
optimizers  update rules and schedules of the step size
network     a cell over time: forward pass, backpropagation, Jacobians; the ensemble of trained networks
training    the loop that trains an ensemble, its batches and its checkpoints
products    products of many Jacobians: scales, spectral norms, singular values
measures    one file a measured quantity
verdicts    what the seeds say together: intervals, claims, Table 1
results     files: NetCDF out and in, networks of others, provenance
figures     drawing only
"""
