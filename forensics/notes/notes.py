"""The notes of a case: tags and texts of people, beside the evidence and never part of it."""

from __future__ import annotations

import getpass
import os
import re
from collections import Counter
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field, replace
from datetime import timedelta
from pathlib import Path
from typing import TYPE_CHECKING, Any, Self

from forensics.custody import Problem
from forensics.errors import AmbiguousName, UnknownName, UsageError
from forensics.notes import entry
from forensics.notes.about import About, Thing, things
from forensics.notes.entry import Entry, now
from forensics.notes.ledger import FILE, Ledger
from forensics.notes.standing import Stand, Standing

if TYPE_CHECKING:
    import pandas as pd

AUTHOR = "FORENSICS_AUTHOR"
"""The environment variable that says who notes, where `by` does not; else it is the user's name on this machine."""

SHORT = 6
"""Characters of an id that may stand for it, where no other begins with them."""

COLUMNS = ("id", "kind", "key", "tag", "text", "by", "at", "versions", "first_by", "first_at", "remark")


@dataclass(frozen=True)
class Added:
    """What a merge came to: entries read, those that were new, and the lines that are no entries."""

    read: int
    new: int
    problems: tuple[Problem, ...] = ()

    def __str__(self) -> str:
        lines = [f"{self.new:,} of {self.read:,} entries are new"]
        return "\n".join([*lines, *map(str, self.problems)])


@dataclass(frozen=True)
class Notes:
    """Tags and texts about the events and things of a case, in a file that any number of people add to at once.

    `Case.notes` is that of a case, also of one that is open read-only or being loaded by another process. Nothing is
    ever removed from the file: what is edited or withdrawn stays in `history`. All methods raise ForensicsError where
    the file cannot be read or written.
    """

    path: Path
    ledger: Ledger = field(init=False, repr=False, compare=False)
    _folded: list[Stand] = field(default_factory=list, init=False, repr=False, compare=False)

    def __post_init__(self) -> None:
        """Nothing is read yet."""
        object.__setattr__(self, "ledger", Ledger(self.path))

    @classmethod
    def of(cls, path: str | Path) -> Self:
        """The notes of a case directory, or a notes file."""
        place = Path(path)
        return cls(place / FILE if place.is_dir() else place)

    # What people add

    def tag(self, about: Thing | Iterable[Thing], *tags: str, by: str | None = None) -> int:
        """Put tags on events (ids, a Timeline, a Query or DataFrame with `event_id`) or things; how many are new.

        A tag is the author's: what another has tagged the same way gets a second one. Raises UsageError.
        """
        who, wanted = author(by), [entry.label(tag) for tag in tags]
        if not wanted:
            raise UsageError("there is no tag to put on: give one, as in tag(event_ids, 'exfil')")
        over = things(about)

        def made(there: Mapping[str, Entry]) -> Iterable[Entry]:
            mine = {(item.about, item.tag) for item in self._stand(there).standing if item.by == who}
            at = now()
            for thing in over:
                for tag in wanted:
                    if (thing, tag) not in mine:
                        yield _fresh(Entry(at, who, thing, tag=tag), there)

        return len(self.ledger.append(made))

    def untag(self, about: Thing | Iterable[Thing], *tags: str, by: str | None = None) -> int:
        """Take tags off, whoever put them on; how many there were. Raises UsageError."""
        who, over = author(by), things(about)

        def made(there: Mapping[str, Entry]) -> Iterable[Entry]:
            tagged, at = self._stand(there).tags, now()
            for thing in over:
                ids = [key for tag in tags for key in tagged.get(thing, {}).get(tag.strip(), ())]
                for some in _parts(ids):
                    yield Entry(at, who, thing, withdraws=some)

        return sum(len(item.withdraws) for item in self.ledger.append(made))

    def write(self, text: str, about: Thing = None, *, by: str | None = None) -> str:
        """Write a note about one event or thing, or about the case; its id. Raises UsageError."""
        who, said, over = author(by), entry.prose(text), things(about)
        if len(over) > 1:
            raise UsageError(
                f"a note is about one thing, not {len(over):,}: tag them, and say in a note what the tag means"
            )
        return self._one(lambda there: _fresh(Entry(now(), who, over[0], text=said), there))

    def edit(self, note: str, text: str, *, by: str | None = None) -> str:
        """Replace the text of a note by its id, or that of any version; the id of the new one.

        An earlier id stands for all versions that came of it: so are two edits made at once brought together.
        Raises UnknownName, UsageError.
        """
        who, said = author(by), entry.prose(text)

        def made(there: Mapping[str, Entry]) -> Entry:
            found = self._heads(there, note)
            if there[found[0]].text is None:
                raise UsageError(f"{note} is a tag: only a text can be edited, a tag is taken off and another put on")
            return _fresh(Entry(now(), who, there[found[0]].about, text=said, supersedes=tuple(found)), there)

        return self._one(made)

    def withdraw(self, note: str, *, by: str | None = None) -> int:
        """Withdraw a note or a tag by its id; how many versions stood. Raises UnknownName, UsageError."""
        who = author(by)

        def made(there: Mapping[str, Entry]) -> Iterable[Entry]:
            found = self._heads(there, note)
            return [Entry(now(), who, there[found[0]].about, withdraws=tuple(found))]

        return sum(len(item.withdraws) for item in self.ledger.append(made))

    def merge(self, other: str | Path | Notes) -> Added:
        """Add what stands in another's notes file, or in that of another copy of the case; twice adds nothing.

        Whoever merges whose first, the same stands in the end. Raises UnknownName (nothing there).
        """
        theirs = other if isinstance(other, Notes) else Notes.of(other)
        if not theirs.path.is_file():
            raise UnknownName("notes file", str(theirs.path), advice="give a case directory or a notes.jsonl")
        read = theirs.ledger.entries()
        new = self.ledger.append(lambda _: read.values())
        return Added(len(read), len(new), tuple(theirs.problems()))

    # What stands

    def rows(self, about: Thing | Iterable[Thing] = ..., *, tag: str | None = None) -> list[Standing]:
        """The tags and texts that stand, in order of time: all, or those about some events or things, or of one tag."""
        found = self._stand(self.ledger.entries()).standing
        if about is not ...:
            wanted = set(things(about))
            found = [item for item in found if item.about in wanted]
        return [item for item in found if tag is None or item.tag == tag]

    def df(self, about: Thing | Iterable[Thing] = ..., *, tag: str | None = None) -> pd.DataFrame:
        """The same as a pandas DataFrame with `COLUMNS`; times are UTC without a zone."""
        import pandas as pd

        return pd.DataFrame([row(item) for item in self.rows(about, tag=tag)], columns=list(COLUMNS))

    def tags(self) -> dict[str, int]:
        """Each tag that stands, and on how many events and things."""
        tagged = self._stand(self.ledger.entries()).tags.values()
        return dict(sorted(Counter(tag for tags in tagged for tag in tags).items()))

    def tags_of(self, event_ids: Iterable[str]) -> dict[str, tuple[str, ...]]:
        """The tags of those of the events that have any."""
        tagged = self._stand(self.ledger.entries()).tags
        found = {key: tagged.get(About("event", key)) for key in event_ids}
        return {key: tuple(sorted(tags)) for key, tags in found.items() if tags}

    def keys(self, tag: str, kind: str = "event") -> list[str]:
        """What has a tag: the ids of events, or the keys of another kind of thing."""
        tagged = self._stand(self.ledger.entries()).tags
        return sorted(item.key for item, tags in tagged.items() if item.kind == kind and tag in tags)

    def pairs(self) -> list[tuple[str, str]]:
        """Every tagged event with each of its tags, to be bound to a query."""
        tagged = self._stand(self.ledger.entries()).tags
        return sorted((item.key, tag) for item, tags in tagged.items() if item.kind == "event" for tag in tags)

    def history(self) -> list[Entry]:
        """Every entry ever made, in order of time: what was edited, withdrawn or superseded is here."""
        return sorted(self.ledger.entries().values(), key=lambda item: (item.at, item.id))

    def problems(self) -> list[Problem]:
        """The lines of the file that are no entries, each with its place; the others are not touched by it."""
        return self.ledger.problems()

    def _stand(self, entries: Mapping[str, Entry]) -> Stand:
        if not self._folded or self._folded[0].entries is not entries:
            self._folded[:] = [Stand(entries)]
        return self._folded[0]

    def _heads(self, entries: Mapping[str, Entry], note: str) -> list[str]:
        """The versions that stand of the one note of that id, or beginning of an id. Raises UnknownName, AmbiguousName."""
        known = [note] if note in entries else [key for key in entries if len(note) >= SHORT and key.startswith(note)]
        if len(known) > 1:
            raise AmbiguousName("note", note, known)
        found = self._stand(entries).heads(known[0]) if known else []
        if not found:
            why = "it was withdrawn" if known else "`forensics note CASE list` shows their ids"
            raise UnknownName("note", note, advice=why)
        return found[: entry.MOST_NAMED]

    def _one(self, made: Callable[[Mapping[str, Entry]], Entry]) -> str:
        return self.ledger.append(lambda there: [made(there)])[0].id

    def _repr_html_(self) -> str:
        from forensics.report.notes import show_notes

        return show_notes(self)._repr_html_()


def author(by: str | None = None) -> str:
    """Who notes: `by`, or the environment's FORENSICS_AUTHOR, or the user's name on this machine. Raises UsageError."""
    if by is not None or os.environ.get(AUTHOR):
        return entry.name(by if by is not None else os.environ[AUTHOR])
    try:
        found = re.split(r"[/\\]", getpass.getuser())[-1]
    except (KeyError, OSError):
        found = ""
    return entry.name(found or f"user {os.getuid()}")


def row(item: Standing) -> tuple[Any, ...]:
    """What stands as a row of `COLUMNS`."""
    said = (item.tag, item.text, item.by, item.at, item.versions, item.first_by, item.first_at, item.remark)
    return (item.id, item.about.kind, item.about.key, *said)


def _fresh(made: Entry, there: Mapping[str, Entry]) -> Entry:
    """The entry, some microseconds later where the same was said before in that very one."""
    while made.id in there:
        made = replace(made, at=made.at + timedelta(microseconds=1))
    return made


def _parts(ids: Sequence[str]) -> Iterator[tuple[str, ...]]:
    for start in range(0, len(ids), entry.MOST_NAMED):
        yield tuple(ids[start : start + entry.MOST_NAMED])
