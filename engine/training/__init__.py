"""Training of an ensemble: data, updates, records, resuming. The gradient is in engine.network."""
