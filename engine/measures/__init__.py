"""One file a measured quantity."""
