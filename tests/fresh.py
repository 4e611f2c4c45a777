"""Empty cases, quickly: copies of one that is made once a process."""

import shutil
from functools import cache
from pathlib import Path
from tempfile import mkdtemp

from forensics.case import Case


@cache
def _empty() -> Path:
    root = Path(mkdtemp(prefix="empty-")) / "case"
    Case.create(root).close()
    return root


def fresh_case(root: Path) -> Case:
    """A case as `Case.create` makes it, open for writing."""
    shutil.copytree(_empty(), root, dirs_exist_ok=True)
    return Case.open(root, read_only=False)
