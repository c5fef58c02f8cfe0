"""Training of an ensemble: data, updates, records, resuming."""
