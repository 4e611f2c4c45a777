"""A loading process killed at any moment leaves a case that the next load finishes, with the same tables."""

import json
import random
import subprocess
import sys
import time
from pathlib import Path

from forensics import evidence
from forensics.case import Case
from forensics.load import load
from tests.loading import FLOW, FLOW_HEADER, put, records, tables, trail

SCRIPT = """
import sys, time
import forensics.load as loading
import forensics.writer as writing
from forensics.case import Case
writing.COMMIT_ROWS, loading.TASK_OBJECTS, loading.ALONE_BYTES = 20, 2, 0
with Case.open(sys.argv[1], read_only=False) as case:
    print("open", flush=True)
    loading.load(case, workers=2, progress=lambda done, total: print(done, flush=True))
"""
MOMENTS = 8


def logs(folder: Path) -> Path:
    files = {f"{place}.json": records(*(trail(f"Call{place}-{call}") for call in range(8))) for place in range(10)}
    files |= {f"{place}.log": f"{FLOW_HEADER}\n{FLOW}{place}\n{FLOW}\n".encode() for place in range(10)}
    files["cut.json"] = json.dumps([trail("X"), trail("Y")]).encode()[:-9]
    return put(folder, files)


def killed(case: Path, moment: int) -> None:
    """Start loading and kill it: some times right away, some after so many reports of progress."""
    process = subprocess.Popen([sys.executable, "-c", SCRIPT, str(case)], stdout=subprocess.PIPE, text=True)
    assert process.stdout is not None
    for _ in range(moment):
        process.stdout.readline()
    time.sleep(random.Random(moment).random() / 50)
    process.kill()
    process.communicate()


def test_a_load_killed_again_and_again_ends_with_the_tables_of_an_undisturbed_one(tmp_path: Path) -> None:
    folder = logs(tmp_path / "logs")
    with Case.create(tmp_path / "undisturbed") as case:
        evidence.add(case, folder)
        load(case, workers=1)
        expected = tables(case)
    with Case.create(tmp_path / "killed") as case:
        evidence.add(case, folder)
    for moment in range(1, MOMENTS + 1):
        killed(tmp_path / "killed", moment)
    with Case.open(tmp_path / "killed", read_only=False) as case:
        load(case, workers=1)
        assert tables(case) == expected
        assert list(case.path.glob("loading-*")) == []
        assert len(expected["cloudtrail"]) == 81
