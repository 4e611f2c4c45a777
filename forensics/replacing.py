"""What an earlier run left, while another is made in its place."""

import contextlib
from collections.abc import Iterator
from pathlib import Path

from forensics.errors import PlaybookError


@contextlib.contextmanager
def replacing(report: Path, findings: Path) -> Iterator[None]:
    """Put an earlier run's report and findings aside while the work is done.

    They are gone if it succeeds and back if it was not done; if it stopped, they stay beside the report that says so,
    unless they are themselves of a run that stopped, which has no findings.
    """
    finished = findings.is_file()
    aside = {path: path.with_name(f"{path.name}.aside") for path in (report, findings) if path.exists()}
    for path, place in aside.items():
        path.rename(place)
    try:
        yield
    except PlaybookError:
        for path, place in aside.items():
            place.replace(_earlier(path)) if finished else place.unlink()
        raise
    except BaseException:
        for path, place in aside.items():
            place.replace(path)
        raise
    for place in (*aside.values(), _earlier(report), _earlier(findings)):
        place.unlink(missing_ok=True)


def _earlier(path: Path) -> Path:
    return path.with_stem(f"{path.stem}.earlier")
