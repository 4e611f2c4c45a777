"""Where an export goes: a file or a folder that is there whole or not at all, or a stream."""

from __future__ import annotations

import contextlib
import hashlib
import json
import os
import shutil
from collections.abc import Iterator
from pathlib import Path
from types import TracebackType
from typing import IO, Any, Self

from forensics.errors import ForensicsError, UsageError
from forensics.export.exported import Exported, Written
from forensics.export.format import Asked, Counted, by_reason

ABOUT = "about.json"
"""What lies beside an export: of a file `FILE.about.json`, in a folder this."""


class FileTarget:
    """A file, written under another name until it is whole. Raises UsageError, ForensicsError."""

    def __init__(self, path: Path, overwrite: bool) -> None:
        self.path = path
        self.about = path.with_name(f"{path.name}.{ABOUT}")
        self.part = _part(path)
        for place in (path, self.about):
            if place.is_dir() or (place.exists() and not overwrite):
                raise UsageError(f"{place} is there already: name another file, or say that it may be overwritten")

    @contextlib.contextmanager
    def open(self, name: str = "") -> Iterator[IO[bytes]]:
        """The file to write; it has one, whatever the name."""
        with _writing(self.path), self.part.open("wb") as handle:
            yield handle

    def finish(self, asked: Asked, counted: Counted) -> Exported:
        """Give the file its name, with what to know of it beside it."""
        with _writing(self.path):
            file = _written(self.part, self.path, counted.rows)
            beside = _part(self.about)
            try:
                _say(beside, asked, counted, [file])
                beside.replace(self.about)
                self.part.replace(self.path)
            finally:
                beside.unlink(missing_ok=True)
        return _exported(asked, counted, (file,), self.about)

    def __enter__(self) -> Self:
        return self

    def __exit__(self, kind: type[BaseException] | None, error: BaseException | None, at: TracebackType | None) -> None:
        with contextlib.suppress(OSError):
            self.part.unlink(missing_ok=True)


class FolderTarget:
    """A folder of files, made under another name until it is whole. Raises UsageError, ForensicsError."""

    def __init__(self, path: Path, overwrite: bool) -> None:
        self.path = path
        self.part = _part(path)
        if path.exists() and not (path.is_dir() and not any(path.iterdir())):
            if not overwrite:
                raise UsageError(f"{path} is there already: name another folder, or say that it may be overwritten")
            if not (path / ABOUT).is_file():
                raise UsageError(f"{path} is no folder that an export made: name another")

    @contextlib.contextmanager
    def open(self, name: str = "") -> Iterator[IO[bytes]]:
        """The file of that name."""
        with _writing(self.path):
            self.part.mkdir(exist_ok=True)
            with (self.part / name).open("wb") as handle:
                yield handle

    def finish(self, asked: Asked, counted: Counted) -> Exported:
        """Give the folder its name; one that was there goes."""
        with _writing(self.path):
            self.part.mkdir(exist_ok=True)
            files = [_written(self.part / name, self.path / name, rows) for name, rows in counted.files.items()]
            _say(self.part / ABOUT, asked, counted, files)
            if self.path.exists():
                shutil.rmtree(self.path)
            self.part.replace(self.path)
        return _exported(asked, counted, tuple(files), self.path / ABOUT)

    def __enter__(self) -> Self:
        return self

    def __exit__(self, kind: type[BaseException] | None, error: BaseException | None, at: TracebackType | None) -> None:
        shutil.rmtree(self.part, ignore_errors=True)


class StreamTarget:
    """An open stream, which stays open."""

    def __init__(self, handle: IO[bytes]) -> None:
        self.handle = handle

    @contextlib.contextmanager
    def open(self, name: str = "") -> Iterator[IO[bytes]]:
        """The stream, whatever the name."""
        yield self.handle

    @staticmethod
    def finish(asked: Asked, counted: Counted) -> Exported:
        """What was written, without a file."""
        return _exported(asked, counted, (), None)


def _part(path: Path) -> Path:
    return path.with_name(f".{path.name}.{os.getpid()}.part")


@contextlib.contextmanager
def _writing(path: Path) -> Iterator[None]:
    try:
        yield
    except OSError as error:
        raise ForensicsError(f"cannot write {path}: {error.strerror or error}") from error


def _written(at: Path, path: Path, rows: int) -> Written:
    with at.open("rb") as handle:
        digest = hashlib.file_digest(handle, "sha256").hexdigest()
    return Written(path, rows, at.stat().st_size, digest)


def _say(beside: Path, asked: Asked, counted: Counted, files: list[Written]) -> None:
    told: dict[str, Any] = asked.about(counted)
    told["files"] = [
        {"name": file.path.name, "rows": file.rows, "bytes": file.bytes, "sha256": file.sha256} for file in files
    ]
    beside.write_text(json.dumps(told, indent=2, default=str) + "\n", "utf-8")


def _exported(asked: Asked, counted: Counted, files: tuple[Written, ...], about: Path | None) -> Exported:
    return Exported(
        format=asked.form.name,
        rows=counted.rows,
        left_out=by_reason(counted.left_out),
        altered=by_reason(counted.altered),
        added=by_reason(counted.added),
        coverage=asked.remark(counted),
        files=files,
        about=about,
    )
