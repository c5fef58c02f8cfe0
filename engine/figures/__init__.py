"""Figures: drawing only. Each function takes datasets and returns a matplotlib Figure; numbers come ready."""
