"""What the seeds of a run say together."""
