"""The loop that trains an ensemble."""
