"""Times as web servers write them in the common log format: `05/Nov/2026:09:10:01 +0000`."""

_MONTHS = {
    name: f"{place:02}" for place, name in enumerate("Jan Feb Mar Apr May Jun Jul Aug Sep Oct Nov Dec".split(), 1)
}
_LENGTH = 26


def iso(stamp: str) -> str:
    """The time in ISO 8601; a text that is none, or no time of UTC, as it is."""
    month = _MONTHS.get(stamp[3:6])
    if month is None or len(stamp) != _LENGTH or not stamp.endswith(" +0000"):
        return stamp
    if stamp[12:14] > "23" or stamp[15:17] > "59" or stamp[18:20] > "59":
        return stamp
    return f"{stamp[7:11]}-{month}-{stamp[:2]}T{stamp[12:20]}Z"
