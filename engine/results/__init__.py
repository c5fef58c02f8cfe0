"""Results as files, and networks from files."""
