"""Very many CloudTrail events, quickly: files put together from blocks packed once, each with an event of its own."""

import random
from pathlib import Path

from isal import igzip

from tests.benchmarks.made_up import ACCOUNT, BLOCK, LEVEL, events

BLOCKS = 40
"""Different blocks; a file takes some by chance."""

_PREFIX = f"{ACCOUNT}_CloudTrail_us-east-1_20261105T0900Z"


def write_many(folder: Path, count: int, *, files: int) -> int:
    """`count` events in so many files of nearly equal length, no two of equal bytes; returns their length as JSON."""
    folder.mkdir(parents=True)
    packed = _Packed(min(BLOCK, max(1, count // files - 1)))
    chance = random.Random(1)
    size = 0
    for number in range(files):
        events_here = count * (number + 1) // files - count * number // files
        size += _write(folder / f"{_PREFIX}_{number:016d}.json.gz", events_here, number, (packed, chance))
    return size


class _Packed:
    """Blocks of `rows` events as gzip members that begin with a comma, and their lengths unpacked."""

    def __init__(self, rows: int) -> None:
        self.rows = rows
        texts = [b"," + b"".join(events(rows, seed=seed)) for seed in range(BLOCKS)]
        self.blocks = [(igzip.compress(text, LEVEL), len(text)) for text in texts]


def _write(path: Path, count: int, number: int, source: tuple[_Packed, random.Random]) -> int:
    packed, chance = source
    whole, rest = divmod(count - 1, packed.rows)
    head = b'{"Records":[' + b"".join(events(1, seed=10_000_000 + number))
    tail = b"".join(b"," + block for block in events(rest, seed=20_000_000 + number)) + b"]}"
    chosen = [chance.choice(packed.blocks) for _ in range(whole)]
    with path.open("wb") as out:
        out.write(igzip.compress(head, LEVEL))
        out.writelines(block for block, _ in chosen)
        out.write(igzip.compress(tail, LEVEL))
    return len(head) + len(tail) + sum(length for _, length in chosen)
