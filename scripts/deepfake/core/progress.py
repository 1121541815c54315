"""Log the progress of a long job."""

from __future__ import annotations

import logging
import time

log = logging.getLogger("deepfake")


class Progress:
    """Logs the progress of a long job at intervals: items done, rate, time left.

    Args:
        total: number of items.
        what: their name in the plural.
        every: seconds between lines.
    """

    def __init__(self, total: int, what: str, every: float = 30) -> None:
        self._total, self._what, self._every = total, what, every
        self._begun = self._logged = time.monotonic()
        self._done = 0

    def step(self, count: int = 1) -> None:
        self._done += count
        now = time.monotonic()
        if now - self._logged >= self._every or self._done == self._total:
            self._logged = now
            rate = self._done / max(now - self._begun, 1e-9)
            left = (self._total - self._done) / rate
            log.info(
                "%d of %d %s, %.2f a second, %.0f s left",
                self._done, self._total, self._what, rate, left,
            )  # fmt: skip
