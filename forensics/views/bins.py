"""Bins of time: a width that people read easily, and the SQL that puts a time into its bin."""

import math
from dataclasses import dataclass
from datetime import datetime, timedelta

WIDTHS = (1, 5, 10, 30, 60, 300, 600, 1800, 3600, 10800, 21600, 43200, 86400, 604800, 2592000)
"""Seconds; the smallest that gives few enough bins is taken."""

_UNITS = ((86400, "d"), (3600, "h"), (60, "min"), (1, "s"))
_EPOCH = datetime(1970, 1, 1)

BIN_SQL = "CAST(floor(date_diff('second', TIMESTAMP '1970-01-01 00:00:00', time) / CAST(? AS DOUBLE)) AS BIGINT)"
"""Number of the bin `time` is in; its one parameter is the width in seconds."""


@dataclass(frozen=True)
class Bins:
    """Bins of `width` seconds, aligned to 1970-01-01 UTC and numbered from there."""

    width: int

    @classmethod
    def over(cls, first: datetime, last: datetime, *, at_most: int) -> "Bins":
        """The narrowest bins that cover [first, last] in about that many."""
        span = max((last - first).total_seconds(), 1.0)
        fitting = (width for width in WIDTHS if span / width <= at_most)
        return cls(next(fitting, math.ceil(span / at_most / 86400) * 86400))

    def start(self, number: int) -> datetime:
        """When that bin starts."""
        return _EPOCH + timedelta(seconds=number * self.width)

    def middle(self, number: int) -> datetime:
        """The middle of that bin, where a bar of its width is centred."""
        return self.start(number) + timedelta(seconds=self.width / 2)

    @property
    def milliseconds(self) -> int:
        """The width as plotly wants a bar's."""
        return self.width * 1000

    @property
    def name(self) -> str:
        """The width in words: `10 min`."""
        seconds, unit = next((size, unit) for size, unit in _UNITS if self.width % size == 0)
        return f"{self.width // seconds} {unit}"
