"""Logs the progress of long work: steps done, a note such as the loss, time spent and time left."""

import logging
import time

log = logging.getLogger(__name__)


class Progress:
    """Writes a line at most every `interval` seconds, and one at the end."""

    def __init__(self, title, total, interval=5.0):
        self.title, self.total, self.interval = title, total, interval
        self.done = self.skipped = 0
        self.start = self.last = time.monotonic()

    def skip(self, steps):
        """Counts `steps` that an earlier run has done; they do not enter the speed."""
        self.done += steps
        self.skipped += steps

    def advance(self, steps=1, note=None):
        """Counts `steps`. `note()` returns extra text such as the loss; it is called only when a line is written,
        because it may have to wait for a GPU."""
        self.done += steps
        now = time.monotonic()
        if now - self.last < self.interval and self.done < self.total:
            return
        self.last = now
        spent = now - self.start
        left = spent / (self.done - self.skipped) * (self.total - self.done)
        text = f" | {note()}" if note else ""
        log.info("%s %d/%d%s | %.0f s spent, %.0f s left", self.title, self.done, self.total, text, spent, left)
