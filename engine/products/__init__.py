"""Products of many Jacobians."""
