"""Runs the tours and writes their outputs anew: `python -m tests.refresh_tours [NUMBER …]`, half a minute for all.

To be run where a card, a figure or a text that tours show was changed; `git diff notebooks` then shows what users see.
"""

import os
import sys
import time
from pathlib import Path

from nbconvert.preprocessors import CellExecutionError

from tests.tours import TOURS, executed, written


def refresh(path: Path) -> str:
    """What became of a tour: same, changed or stopped, and how long it ran."""
    started = time.monotonic()
    try:
        text = written(executed(path))
    except CellExecutionError as error:
        return f"stopped {path.name}, which stays as it is: {error}"
    before = path.read_text("utf-8")
    if text != before:
        path.write_text(text, "utf-8")
    size = len(text.encode()) / 1e6
    return (
        f"{'same   ' if text == before else 'changed'} {path.name}: {size:.2f} MB, {time.monotonic() - started:.0f} s"
    )


def main(numbers: list[str]) -> int:
    """Refresh all, or those whose names begin with one of the numbers."""
    os.environ["PYTHONPATH"] = os.pathsep.join(path for path in [str(Path(__file__).parent.parent), *sys.path] if path)
    said = [refresh(path) for path in TOURS if not numbers or path.name.startswith(tuple(numbers))]
    print(*said, sep="\n")
    return int(any(line.startswith("stopped") for line in said))


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
