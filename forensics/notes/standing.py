"""What stands of all that was noted: the same for the same entries, in whatever order they arrived.

A tag stands until an entry withdraws it. A text stands until another supersedes or withdraws it. Who withdraws or edits
names the entries that he saw; what another wrote at the same time was not seen, and stands. Of two edits made at once
both stand, each remarking the other, until one edit of both supersedes them.
"""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from datetime import datetime
from functools import cached_property

from forensics.notes.about import About
from forensics.notes.entry import Entry


@dataclass(frozen=True)
class Standing:
    """A tag or a text that stands. `note` is the id that all versions of a text share, `versions` how many there were.

    `at` and `by` are those of this version, UTC; `remark` says what others did to the note without having seen it.
    """

    id: str
    note: str
    about: About
    at: datetime
    by: str
    tag: str | None
    text: str | None
    versions: int = 1
    first_at: datetime | None = None
    first_by: str | None = None
    remark: str = ""


@dataclass(frozen=True)
class Stand:
    """All entries of a file, folded. Order of arrival never matters."""

    entries: Mapping[str, Entry]

    @cached_property
    def _gone(self) -> set[str]:
        gone = {item for entry in self.entries.values() for item in entry.withdraws}
        return gone | {item for entry in self.entries.values() for item in entry.supersedes}

    @cached_property
    def _after(self) -> dict[str, list[Entry]]:
        """The entries that supersede or withdraw each."""
        after: dict[str, list[Entry]] = defaultdict(list)
        for entry in self.entries.values():
            for item in (*entry.supersedes, *entry.withdraws):
                after[item].append(entry)
        return after

    @cached_property
    def standing(self) -> list[Standing]:
        """Tags and texts that stand, in order of time."""
        heads = (item for key, item in self.entries.items() if key not in self._gone and not item.withdraws)
        made = [self._tag(item) if item.tag is not None else self._text(item) for item in heads]
        return sorted(made, key=lambda item: (item.at, item.about.kind, item.about.key, item.id))

    @cached_property
    def tags(self) -> dict[About, dict[str, list[str]]]:
        """By what is tagged: each of its tags and the ids of the entries that give it."""
        found: dict[About, dict[str, list[str]]] = defaultdict(lambda: defaultdict(list))
        for item in self.standing:
            if item.tag is not None:
                found[item.about][item.tag].append(item.id)
        return found

    def heads(self, given: str) -> list[str]:
        """The ids of the versions that stand of an entry: itself, or what it became."""
        wanted, seen, found = [given], {given}, []
        while wanted:
            item = wanted.pop()
            if item in self.entries and item not in self._gone and not self.entries[item].withdraws:
                found.append(item)
            later = [entry.id for entry in self._after.get(item, ()) if entry.id not in seen]
            seen.update(later)
            wanted += later
        return sorted(found)

    def _tag(self, item: Entry) -> Standing:
        return Standing(item.id, item.id, item.about, item.at, item.by, item.tag, None)

    def _text(self, item: Entry) -> Standing:
        whole = self._versions(item)
        first = min(whole, key=lambda one: (one.at, one.id))
        return Standing(
            id=item.id,
            note=first.id,
            about=item.about,
            at=item.at,
            by=item.by,
            tag=None,
            text=item.text,
            versions=len(whole),
            first_at=first.at,
            first_by=first.by,
            remark=self._remark(item, whole),
        )

    def _versions(self, item: Entry) -> list[Entry]:
        """Every version of the note that this one is of, as far as the file has them."""
        wanted, seen = [item.id], {item.id}
        while wanted:
            key = wanted.pop()
            entry = self.entries.get(key)
            near = [*(entry.supersedes if entry else ()), *(one.id for one in self._after.get(key, ()))]
            new = [one for one in near if one not in seen and not self._withdraws(one)]
            seen.update(new)
            wanted += new
        return [self.entries[key] for key in sorted(seen) if key in self.entries]

    def _withdraws(self, key: str) -> bool:
        return key in self.entries and bool(self.entries[key].withdraws)

    def _remark(self, item: Entry, whole: Iterable[Entry]) -> str:
        """What was done to the note by who had not seen this version."""
        others = [one for one in whole if one.id != item.id and one.id not in self._gone]
        gone = {one.id: one for version in whole for one in self._after.get(version.id, ()) if one.withdraws}
        said = [f"also edited by {name}" for name in sorted({one.by for one in others})]
        said += [
            f"withdrawn by {name}, who had not seen this version" for name in sorted({one.by for one in gone.values()})
        ]
        return "; ".join(said)
