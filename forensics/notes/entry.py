"""One line of a notes file: who noted what about which thing, and when; its id is a digest of all the rest."""

from __future__ import annotations

import hashlib
import json
import re
from collections.abc import Iterable
from dataclasses import dataclass
from datetime import UTC, datetime
from functools import cached_property
from typing import Any

from forensics.errors import UsageError
from forensics.notes.about import About

LONGEST_TAG = 100
LONGEST_NAME = 100
LONGEST_TEXT = 20_000
"""Characters of a tag, of an author's name, and of one note: some ten pages."""

MOST_NAMED = 64
"""Entries that one entry supersedes or withdraws at most."""

_ID = re.compile(r"[0-9a-f]{32}")
_TIME = re.compile(r"\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d\.\d{6}Z")
_UNSEEN = re.compile(r"[\x00-\x1f\x7f-\x9f\u061c\u200b-\u200f\u2028-\u202e\u2060-\u2069\ufeff\ud800-\udfff]")
_FIELDS = {"id", "at", "by", "about", "tag", "text", "supersedes", "withdraws"}


@dataclass(frozen=True)
class Entry:
    """A tag, a text, or the withdrawal of others; a text may supersede others, which it is the edit of. `at` is UTC."""

    at: datetime
    by: str
    about: About
    tag: str | None = None
    text: str | None = None
    supersedes: tuple[str, ...] = ()
    withdraws: tuple[str, ...] = ()

    @cached_property
    def id(self) -> str:
        """The first 128 bits of the SHA-256 of what it says: the same entry has the same id in every copy."""
        said = json.dumps(self._said(), sort_keys=True, separators=(",", ":"), ensure_ascii=True)
        return hashlib.sha256(said.encode("ascii")).hexdigest()[:32]

    def _said(self) -> dict[str, Any]:
        said: dict[str, Any] = {
            "at": self.at.isoformat(timespec="microseconds") + "Z",
            "by": self.by,
            "about": {"kind": self.about.kind, "key": self.about.key},
        }
        said |= {name: value for name in ("tag", "text") if (value := getattr(self, name)) is not None}
        return said | {name: list(value) for name in ("supersedes", "withdraws") if (value := getattr(self, name))}

    def line(self) -> bytes:
        """The entry as a line of the file: ASCII, its newline included."""
        said = {"id": self.id, **self._said()}
        return json.dumps(said, separators=(",", ":"), ensure_ascii=True).encode("ascii") + b"\n"


def now() -> datetime:
    """The time in UTC, without a zone."""
    return datetime.now(UTC).replace(tzinfo=None)


def read(line: bytes) -> Entry:
    """The entry of a line. Raises ValueError, which says what is wrong with it."""
    try:
        said = json.loads(line)
    except (ValueError, RecursionError):
        raise ValueError("is not JSON: a write was cut off, or something else wrote here") from None
    if not isinstance(said, dict) or set(said) - _FIELDS or not {"id", "at", "by", "about"} <= set(said):
        raise ValueError("is not a note of this version")
    try:
        made = _entry(said)
    except (UsageError, TypeError, KeyError, AttributeError) as error:
        raise ValueError(f"is not a note: {error}") from None
    if made.id != said["id"]:
        raise ValueError("was altered after it was written: its id is not that of what it says")
    return made


def _entry(said: dict[str, Any]) -> Entry:
    if not isinstance(said["at"], str) or not _TIME.fullmatch(said["at"]):
        raise UsageError("its time is none")
    about, tag, text = said["about"], said.get("tag"), said.get("text")
    named = [_ids(said.get(name, [])) for name in ("supersedes", "withdraws")]
    if [tag is not None, text is not None, bool(named[1])].count(True) != 1 or (named[0] and text is None):
        raise UsageError("it is neither one tag, nor one text, nor a withdrawal")
    return Entry(
        at=datetime.fromisoformat(said["at"]).replace(tzinfo=None),
        by=name(said["by"]),
        about=About(about["kind"], about["key"]),
        tag=None if tag is None else label(tag),
        text=None if text is None else prose(text),
        supersedes=named[0],
        withdraws=named[1],
    )


def _ids(given: Any) -> tuple[str, ...]:
    if not isinstance(given, list) or len(given) > MOST_NAMED:
        raise UsageError("it names no list of other notes, or too many")
    if not all(isinstance(item, str) and _ID.fullmatch(item) for item in given):
        raise UsageError("it names another note by something that is no id")
    return tuple(given)


def label(given: str) -> str:
    """A tag: one line of at most 100 characters that can all be seen. Raises UsageError."""
    return _one_line(given, "tag", LONGEST_TAG)


def name(given: str) -> str:
    """An author's name: one line of at most 100 characters that can all be seen. Raises UsageError."""
    return _one_line(given, "name", LONGEST_NAME)


def _one_line(given: Any, what: str, longest: int) -> str:
    text = given.strip() if isinstance(given, str) else ""
    if not text or len(text) > longest:
        raise UsageError(f"a {what} has 1 to {longest} characters, not {len(text):,}: {str(given)[:40]!r}")
    if _UNSEEN.search(text):
        raise UsageError(f"a {what} is one line without control or direction characters: {text[:40]!r}")
    return text


def prose(given: str) -> str:
    """The text of a note, at most 20,000 characters, what cannot be UTF-8 written out. Raises UsageError."""
    if not isinstance(given, str) or not given.strip():
        raise UsageError("a note has to say something: its text is empty")
    if len(given) > LONGEST_TEXT:
        raise UsageError(
            f"the note has {len(given):,} characters, at most {LONGEST_TEXT:,} are kept: "
            "add what is longer to the case as evidence, and note where it is"
        )
    return given.encode("utf-8", "backslashreplace").decode("utf-8").replace("\x00", "\\x00")


def distinct(entries: Iterable[Entry]) -> dict[str, Entry]:
    """The entries by their ids, each once."""
    return {item.id: item for item in entries}
