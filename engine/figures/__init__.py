"""Figures: drawing only. Each function takes datasets and returns a matplotlib Figure; tables and numbers come ready."""
