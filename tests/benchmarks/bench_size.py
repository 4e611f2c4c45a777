"""How large a case file is, as a share of the raw JSON it holds; copies of evidence do not count.

`python -m tests.benchmarks.bench_size [--events N] [--quick]`
"""

import argparse
import random
import tempfile
import uuid
from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

import msgspec
from isal import igzip

from forensics import evidence
from forensics.case import DATABASE, Case
from forensics.load import load
from forensics.readers import read
from forensics.readers.parts import JsonPart
from forensics.readers.stream import content
from tests.benchmarks.made_up import write_trail

EVENTS = 1_000_000
QUICK = 2_000
PER_FILE = 2_000
REAL = Path(__file__).parents[3] / "shared" / "data"
"""Real logs, where they are there."""

MOST = 0.25
"""The share that a case file is to keep below."""


@dataclass(frozen=True)
class Row:
    """Bytes of JSON unpacked, of the case file, and of the file of a case without evidence."""

    what: str
    records: int
    raw: int
    case: int
    empty: int

    @property
    def share(self) -> float:
        """What the records add to the file, as a share of their JSON."""
        return (self.case - self.empty) / self.raw


def measure(what: str, folder: Path, *, resolve: bool) -> Row:
    """Load a folder into a case of its own."""
    with tempfile.TemporaryDirectory() as scratch:
        with Case.create(Path(scratch) / "empty"):
            pass
        with Case.create(Path(scratch) / "case") as case:
            evidence.add(case, folder, in_place=True)
            records = load(case, resolve=resolve).records
            held = case.sql("SELECT stored_at FROM evidence WHERE records > 0").rows()
        sizes = [(Path(scratch) / name / DATABASE).stat().st_size for name in ("case", "empty")]
    return Row(what, records, _unpacked(Path(row[0]) for row in held), *sizes)


def _unpacked(paths: Iterable[Path]) -> int:
    return sum(len(chunk) for path in paths for chunk in content(path, lambda _: None))


def rows(events: int) -> Iterator[Row]:
    """Made-up CloudTrail, loaded and resolved; then events of real logs."""
    with tempfile.TemporaryDirectory() as root:
        folder = write_trail(Path(root) / "trail", events, per_file=PER_FILE)
        yield measure("made-up CloudTrail, loaded", folder, resolve=False)
        yield measure("made-up CloudTrail, resolved", folder, resolve=True)
        if REAL.is_dir() and events > QUICK:
            count = _write_real(Path(root) / "real", events)
            yield measure(f"{count:,} real events again and again", Path(root) / "real", resolve=False)


def _write_real(folder: Path, events: int) -> int:
    """The real events, too few by themselves, so often that there are enough, each time with other ids and times."""
    found = list(_real())
    chance = random.Random(1)
    folder.mkdir()
    for first in range(0, events, PER_FILE):
        records = [_anew(found[place % len(found)], chance) for place in range(first, min(events, first + PER_FILE))]
        (folder / f"{first}.json.gz").write_bytes(igzip.compress(msgspec.json.encode({"Records": records})))
    return len(found)


def _real() -> Iterator[dict[str, Any]]:
    for path in sorted(item for item in REAL.rglob("*") if item.is_file()):
        for part in read(path, str(path)):
            if isinstance(part, JsonPart) and part.source == "cloudtrail":
                yield from (held for record in part.records if "eventName" in (held := msgspec.json.decode(record)))


def _anew(record: dict[str, Any], chance: random.Random) -> dict[str, Any]:
    made = datetime(2026, 11, 5, tzinfo=UTC) + timedelta(seconds=chance.randrange(86_400))
    ids = {name: str(uuid.UUID(int=chance.getrandbits(128))) for name in ("eventID", "requestID")}
    return record | ids | {"eventTime": made.strftime("%Y-%m-%dT%H:%M:%SZ")}


def bench(events: int) -> None:
    """Print a line for each."""
    print(f"Case file less that of an empty case, as a share of the JSON it holds: to be at most {MOST:.0%}.")
    print(f"{'':<44}{'records':>10}{'JSON MB':>10}{'case MB':>10}{'empty MB':>10}{'share':>8}")
    for row in rows(events):
        if row.raw:
            sizes = "".join(f"{size / 1e6:>10,.2f}" for size in (row.raw, row.case, row.empty))
            print(f"{row.what:<44}{row.records:>10,}{sizes}{row.share:>8.1%}", flush=True)


def main() -> None:
    """Read the arguments."""
    parser = argparse.ArgumentParser(description=(__doc__ or "").splitlines()[0])
    parser.add_argument("--events", type=int, default=EVENTS)
    parser.add_argument("--quick", action="store_true", help="few events, to see that it works")
    given = parser.parse_args()
    bench(QUICK if given.quick else given.events)


if __name__ == "__main__":
    main()
