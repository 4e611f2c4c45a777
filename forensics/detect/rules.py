"""Files of Sigma rules: found in files, folders and zips; read within bounds; every document of them accounted for."""

from __future__ import annotations

import re
import zipfile
from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from forensics.errors import UsageError

ENDINGS = (".yml", ".yaml")
LARGEST_FILE = 1 << 20
"""Bytes that one file of rules may have: the longest of the community's have 100 KB."""
MOST_FILES = 20_000
LARGEST_IN_ALL = 256 << 20
"""Bytes that all files together may have, unpacked."""
MOST_NODES = 50_000
"""Values that the documents of a file may have once every alias stands for what it repeats."""
DEEPEST = 40

OWN = Path(__file__).parent / "rules"
"""The rules that come with this package."""


def own_playbook(finding_id: str) -> str:
    """The playbook to look at next that one of our own rules names, by a finding of it; "" for other findings."""
    from forensics.detect.statements import statements

    source, _, rest = finding_id.partition(":")
    key = rest.partition(":")[0]
    if source == "sigma" and key in statements():
        return statements()[key].playbook
    for path in OWN.glob("*.yml") if source == "sigma" else ():
        text = path.read_text("utf-8")
        found = re.search(r"^custom: \{playbook: ([\w-]+)\}", text, re.MULTILINE)
        if found and f"id: {key}\n" in text:
            return found[1]
    return ""


@dataclass(frozen=True)
class RuleFile:
    """A file of rules: where it was found, and its bytes, or why they are not read."""

    place: str
    data: bytes = b""
    problem: str = ""


@dataclass(frozen=True)
class RuleText:
    """One YAML document: the file it is in, its first line there, what it says, or why it says nothing."""

    place: str
    line: int
    content: dict[str, Any] | None
    text: str = ""
    problem: str = ""


def files(paths: Iterable[str | Path]) -> Iterator[RuleFile]:
    """The files of rules at some paths: a file, each below a folder, each in a zip. Raises UsageError where nothing is.

    What is beyond bounds is one file more, with that for its problem.
    """
    number = size = 0
    for path in paths:
        for found in _at(Path(path)):
            number, size = number + 1, size + len(found.data)
            if number > MOST_FILES or size > LARGEST_IN_ALL:
                beyond = (
                    f"more than {MOST_FILES:,} files" if number > MOST_FILES else f"more than {LARGEST_IN_ALL:,} bytes"
                )
                yield RuleFile(found.place, problem=f"neither read nor what follows: {beyond} of rules")
                return
            yield found


def _at(path: Path) -> Iterator[RuleFile]:
    if path.is_dir():
        for item in sorted(path.rglob("*")):
            if item.suffix.lower() in ENDINGS and item.is_symlink() and not _within(path, item):
                yield RuleFile(str(item), problem="a link that leads out of the folder, or nowhere")
            elif item.suffix.lower() in ENDINGS and item.is_file():
                yield _read(item)
    elif not path.is_file():
        raise UsageError(f"no rules at {path}: name a file, a folder or a zip of Sigma rules (.yml, .yaml)")
    elif zipfile.is_zipfile(path):
        yield from _packed(path)
    else:
        yield _read(path)


def _within(folder: Path, link: Path) -> bool:
    return link.exists() and link.resolve().is_relative_to(folder.resolve())


def _read(path: Path) -> RuleFile:
    try:
        if path.stat().st_size > LARGEST_FILE:
            return RuleFile(str(path), problem=f"larger than {LARGEST_FILE:,} bytes")
        return RuleFile(str(path), path.read_bytes())
    except OSError as error:
        return RuleFile(str(path), problem=f"cannot be read: {error.strerror}")


def _packed(path: Path) -> Iterator[RuleFile]:
    try:
        with zipfile.ZipFile(path) as archive:
            for item in archive.infolist():
                if item.filename.lower().endswith(ENDINGS) and not item.is_dir():
                    yield _unpacked(archive, item, f"{path}!{item.filename}")
    except (zipfile.BadZipFile, OSError, NotImplementedError) as error:
        yield RuleFile(str(path), problem=f"a zip that cannot be read: {error}")


def _unpacked(archive: zipfile.ZipFile, item: zipfile.ZipInfo, place: str) -> RuleFile:
    try:
        with archive.open(item) as stream:
            data = stream.read(LARGEST_FILE + 1)
    except (zipfile.BadZipFile, OSError, RuntimeError, EOFError, NotImplementedError) as error:
        return RuleFile(place, problem=f"cannot be unpacked: {error}")
    too_large = len(data) > LARGEST_FILE
    return RuleFile(place, problem=f"larger than {LARGEST_FILE:,} bytes") if too_large else RuleFile(place, data)


def documents(file: RuleFile) -> list[RuleText]:
    """The documents of a file in order; one with a problem where the file is refused."""
    import yaml

    if file.problem:
        return [RuleText(file.place, 1, None, problem=file.problem)]
    try:
        text = file.data.decode("utf-8-sig")
        lines = [*_starts(text), text.count("\n") + 2]
        loader = getattr(yaml, "CSafeLoader", yaml.SafeLoader)
        contents = list(yaml.load_all(text, Loader=loader))
    except UnicodeDecodeError:
        return [RuleText(file.place, 1, None, problem="not UTF-8 text")]
    except Refused as refused:
        return [RuleText(file.place, refused.line, None, problem=str(refused))]
    except (yaml.YAMLError, ValueError, RecursionError) as error:
        mark = getattr(error, "problem_mark", None)
        said = str(getattr(error, "problem", None) or error)
        return [RuleText(file.place, mark.line + 1 if mark else 1, None, problem=f"not YAML: {said}")]
    every = text.splitlines(keepends=True)
    return [
        _document(file.place, first, content, "".join(every[first - 1 : last - 1]))
        for content, first, last in zip(contents, lines, lines[1:], strict=False)
        if content is not None
    ]


def _document(place: str, line: int, content: Any, text: str) -> RuleText:
    if not isinstance(content, dict):
        return RuleText(place, line, None, text, "not a Sigma rule: no mapping of names to values")
    return RuleText(place, line, content, text)


class Refused(ValueError):
    """YAML that is beyond bounds; `line` is where."""

    def __init__(self, message: str, line: int) -> None:
        super().__init__(message)
        self.line = line


def _starts(text: str) -> list[int]:
    """The first lines of the documents. Raises Refused before anything is built of YAML that would grow."""
    import yaml

    measure = _Measure()
    starts = []
    for event in yaml.parse(text, Loader=getattr(yaml, "CSafeLoader", yaml.SafeLoader)):
        line = event.start_mark.line + 1 if event.start_mark else 1
        if isinstance(event, yaml.DocumentStartEvent):
            starts.append(line)
        measure.take(event, line)
    return starts


class _Measure:
    """How many values a file has, an alias counted as all that it repeats, and how deep they lie."""

    def __init__(self) -> None:
        self.total = 0
        self.anchored: dict[str, int] = {}
        self.open: list[tuple[str | None, int]] = []

    def take(self, event: Any, line: int) -> None:
        """Count one event of the parser. Raises Refused."""
        kind = type(event).__name__
        if kind == "AliasEvent":
            if event.anchor not in self.anchored:
                raise Refused(f"the alias *{event.anchor} stands in what it repeats, or for nothing", line)
            self.total += self.anchored[event.anchor]
        elif kind == "ScalarEvent":
            self.total += 1
            if event.anchor:
                self.anchored[event.anchor] = 1
        elif kind in ("MappingStartEvent", "SequenceStartEvent"):
            self.total += 1
            self.open.append((event.anchor, self.total - 1))
        elif kind in ("MappingEndEvent", "SequenceEndEvent"):
            anchor, before = self.open.pop()
            if anchor:
                self.anchored[anchor] = self.total - before
        if self.total > MOST_NODES:
            raise Refused(f"more than {MOST_NODES:,} values, aliases counted as what they repeat: a YAML bomb?", line)
        if len(self.open) > DEEPEST:
            raise Refused(f"more than {DEEPEST} levels deep", line)
