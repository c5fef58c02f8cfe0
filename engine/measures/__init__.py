"""Measured quantities; workflow/names.py has the names of their files.

These have a TITLE, QUANTITIES, coordinates(networks, **protocol) and measure(networks, task, **protocol), which
engine.results.measuring runs:

effective_lr        effective learning rates by lag, and what predicts them
expansion           the first-order expansion in the gate term
anisotropy          singular values of propagation and of gradients
gates               gates as optimizers, time scales, alignment
lyapunov            Lyapunov exponents
differences         departures of the released code; differences_slope: of its slope

These are parts of them:

unit_rates          of effective_lr, as drawn_pairs, where not all pairs are taken
gradient_spectrum   of anisotropy
lag_profiles        of gates, as gate_fits with geometric, step_sizes, timescales and alignment
chains              the Jacobians of chosen products; runs: sequences and states; each: the loop over networks
"""
