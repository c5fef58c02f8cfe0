"""Progress of long work: how far, the loss, the time left; to whatever the job's logger writes to."""

import logging
import time

log = logging.getLogger(__name__)


class Progress:
    """Reports at most every `interval` seconds, and at the end."""

    def __init__(self, title, total, interval=5.0):
        self.title, self.total, self.interval = title, total, interval
        self.done = self.skipped = 0
        self.start = self.last = time.monotonic()

    def skip(self, steps):
        """Counts `steps` that were done before, and took no time now."""
        self.done += steps
        self.skipped += steps

    def advance(self, steps=1, note=None):
        """Counts `steps`; `note` is called for a text (a loss, say) when a line is due, since it may cost a wait."""
        self.done += steps
        now = time.monotonic()
        if now - self.last < self.interval and self.done < self.total:
            return
        self.last = now
        spent = now - self.start
        left = spent / (self.done - self.skipped) * (self.total - self.done)
        text = f" | {note()}" if note else ""
        log.info("%s %d/%d%s | %.0f s spent, %.0f s left", self.title, self.done, self.total, text, spent, left)
