"""Measured quantities.

A module that workflow/scripts/measure.py runs has a TITLE, QUANTITIES, coordinates(networks, **protocol) and
measure(networks, task, **protocol): anisotropy, differences, differences_slope, effective_lr, expansion, gates,
lyapunov. workflow/names.py has the names of their files. The other modules hold parts of these.
"""
