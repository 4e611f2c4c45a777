"""The same evidence added and loaded in other ways: in any order, in pieces, by any number of processes."""

import gzip
import json
import os
import random
import subprocess
import sys
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

import forensics.load as loading
import forensics.worker as working
import forensics.writer as writing
from forensics import canonical, evidence
from forensics.load import load
from forensics.simulate import simulate
from tests.fresh import fresh_case


@dataclass(frozen=True)
class Way:
    """In how many pieces, each loaded and resolved before the next; by how many processes; with which hash seed."""

    pieces: int = 1
    workers: int = 1
    seed: int = 0
    """Of the order of files, and of PYTHONHASHSEED; 0 is the order of their names."""


def incident(name: str, out: Path, scale: float) -> list[Path]:
    """The files of a simulated incident, with copies, copies of events in other objects, and broken ones among them."""
    simulate(name, out, scale=scale)
    logs = out / "logs"
    chance = random.Random(name)
    files = sorted(path for path in logs.rglob("*") if path.is_file())
    for number, path in enumerate(chance.sample(files, 4)):
        (logs / f"twice-{number}-{path.name}").write_bytes(path.read_bytes())
        (logs / f"cut-{number}-{path.name}").write_bytes(path.read_bytes()[: path.stat().st_size * 2 // 3])
    trails = [path for path in files if "/CloudTrail/" in path.as_posix()]
    for number, path in enumerate(chance.sample(trails, min(6, len(trails)))):
        held = json.loads(gzip.decompress(path.read_bytes()))["Records"]
        chance.shuffle(held)
        (logs / f"events-{number}.json").write_text(json.dumps({"Records": held[: -(-len(held) // 2)]}))
    for path in logs.rglob("*"):
        os.utime(path, (1_793_869_200, 1_793_869_200))
    return sorted(path for path in logs.rglob("*") if path.is_file())


def tables(root: Path, files: Sequence[Path], way: Way) -> canonical.Tables:
    """What a case holds that took in and loaded the files that way."""
    ordered = list(files)
    if way.seed:
        random.Random(way.seed).shuffle(ordered)
    size = -(-len(ordered) // way.pieces)
    with fresh_case(root) as case:
        for start in range(0, len(ordered), size):
            for path in ordered[start : start + size]:
                evidence.add(case, path)
            load(case, workers=way.workers)
        return canonical.tables(case)


def elsewhere(root: Path, files: Sequence[Path], way: Way) -> str:
    """The digests that another process prints, whose hashes of texts are others."""
    code = (
        "import sys; from pathlib import Path; from tests.faults import orders; way = orders.Way(*map(int, sys.argv[2:5]));"
        " print(orders.tables(Path(sys.argv[1]), [Path(line.rstrip()) for line in sys.stdin], way))"
    )
    command = [sys.executable, "-c", code, str(root), *map(str, (way.pieces, way.workers, way.seed))]
    environment = os.environ | {"PYTHONHASHSEED": str(way.seed), "PYTHONPATH": os.pathsep.join(filter(None, sys.path))}
    listed = "\n".join(map(str, files))
    return subprocess.run(
        command, input=listed, env=environment, capture_output=True, text=True, check=True
    ).stdout.strip()


SMALL = ((loading, "ALONE_BYTES", 0), (loading, "TASK_OBJECTS", 3), (working, "_BATCH_ROWS", 7))
"""Settings by which little evidence is read by many processes in many batches."""
SMALL_COMMITS = (writing, "COMMIT_ROWS", 100)
