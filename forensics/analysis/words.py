"""Numbers and times as sentences say them."""

from __future__ import annotations

from datetime import datetime


def count(number: int, noun: str) -> str:
    """`1 call`, `2,000 calls`."""
    return f"{number:,} {noun}" if number == 1 else f"{number:,} {noun}s"


def size(octets: float) -> str:
    """Bytes in decimal units: `512 bytes`, `47.6 MB`."""
    for unit, scale in (("TB", 1e12), ("GB", 1e9), ("MB", 1e6), ("kB", 1e3)):
        if octets >= scale:
            return f"{octets / scale:.1f} {unit}"
    return count(int(octets), "byte")


def at(moment: datetime | None) -> str:
    """`2026-11-05 09:12:31 UTC`; of a record without a time, that it has none."""
    return f"{moment:%Y-%m-%d %H:%M:%S} UTC" if moment else "a time not recorded"


def during(first: datetime | None, last: datetime | None) -> str:
    """`at …` for one moment, `between … and …` for two; the day is said once."""
    if first == last or not first or not last:
        return f"at {at(first or last)}"
    if first.date() == last.date():
        return f"between {first:%Y-%m-%d %H:%M:%S} and {last:%H:%M:%S} UTC"
    return f"between {at(first)} and {at(last)}"


def capital(text: str) -> str:
    """The text as a sentence begins."""
    return text[:1].upper() + text[1:]


def listed(names: list[str], most: int = 3) -> str:
    """`a, b and c`, `a, b, c and 4 more`."""
    if len(names) > most:
        return f"{', '.join(names[:most])} and {len(names) - most:,} more"
    return names[0] if len(names) == 1 else f"{', '.join(names[:-1])} and {names[-1]}" if names else ""
