"""Where simulated objects are written: one file, reproducible bytes, counted by source."""

import gzip
import hashlib
import io
from dataclasses import dataclass, field
from pathlib import Path

EVENT_ID_DIGITS = 16


def gzip_bytes(data: bytes) -> bytes:
    """One gzip member without name or time, so that equal data gives equal bytes."""
    buffer = io.BytesIO()
    with gzip.GzipFile(filename="", mode="wb", compresslevel=6, fileobj=buffer, mtime=0) as member:
        member.write(data)
    return buffer.getvalue()


@dataclass
class Storage:
    """The folder that stands for S3; `counts` is source → objects and records written."""

    root: Path
    counts: dict[str, dict[str, int]] = field(default_factory=dict)

    def put(self, key: str, data: bytes, *, source: str, records: int) -> str:
        """Writes an object and returns the prefix of the event ids of its records."""
        path = self.root / key
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_bytes(data)
        count = self.counts.setdefault(source, {"objects": 0, "records": 0})
        count["objects"] += 1
        count["records"] += records
        return hashlib.sha256(data).hexdigest()[:EVENT_ID_DIGITS]
