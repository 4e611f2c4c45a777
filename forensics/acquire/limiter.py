"""A rate of requests that is not exceeded: a token bucket, and what to do when AWS asks to slow down."""

from __future__ import annotations

import time
from collections.abc import Callable
from dataclasses import dataclass

SLOWEST = 16
"""How many times slower than at first it becomes at most."""


@dataclass
class Limiter:
    """`rate` requests a second, of which `burst` may be made at once after a pause; for one thread."""

    rate: float
    burst: float = 1.0
    clock: Callable[[], float] = time.monotonic
    sleep: Callable[[float], None] = time.sleep

    def __post_init__(self) -> None:
        """Begin with a full bucket."""
        self._now_rate, self._held, self._at = self.rate, self.burst, self.clock()

    def wait(self) -> None:
        """Return when the next request may be made."""
        self._fill()
        if self._held < 1:
            self.sleep((1 - self._held) / self._now_rate)
            self._fill()
        self._held -= 1

    def slow_down(self) -> None:
        """AWS throttled a request: half the rate from here on, and an empty bucket."""
        self._now_rate = max(self._now_rate / 2, self.rate / SLOWEST)
        self._fill()
        self._held = min(self._held, 0)

    def _fill(self) -> None:
        now = self.clock()
        self._held = min(self.burst, self._held + (now - self._at) * self._now_rate)
        self._at = now
