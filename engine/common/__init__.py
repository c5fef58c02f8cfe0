"""Arrays, random streams, statistics, files: used by every other room, without science or imports from them."""
