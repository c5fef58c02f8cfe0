"""Recurrent networks whose training, Jacobians and time scales are computed by hand, on any array namespace.

Read the modules in the order in which data flows: backend, seeding, tasks, cells, unroll, optimizers, training,
transport, then one module for each measured quantity (expansion, effective_lr, anisotropy, ...), datasets, figures.
"""
