"""What a tag or a note is about: an event by its id, or a thing by the key that its card has."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, TypeAlias

from forensics.errors import UsageError

if TYPE_CHECKING:
    from forensics.case import Case
    from forensics.timeline import Timeline

KINDS = ("event", "principal", "session", "credential", "workload", "resource", "finding", "address", "case")
"""What can be noted. Of an event the key is its `event_id`, of a credential the access key id, of the case nothing."""

LONGEST_KEY = 2048
"""Characters of a key: the longest ARN (page "Identify AWS resources with Amazon Resource Names")."""

MOST = 100_000
"""Things that one call takes at most."""


@dataclass(frozen=True, order=True)
class About:
    """One thing that can be noted: `kind` is one of `KINDS`, `key` what it is looked up by. Raises UsageError."""

    kind: str
    key: str = ""

    def __post_init__(self) -> None:
        if self.kind not in KINDS:
            raise UsageError(f"a note cannot be about {self.kind!r}: it is about one of {', '.join(KINDS)}")
        if not isinstance(self.key, str) or bool(self.key.strip()) == (self.kind == "case"):
            raise UsageError(f"a note of kind {self.kind} needs {'no key' if self.kind == 'case' else 'its key'}")
        if len(self.key) > LONGEST_KEY:
            raise UsageError(
                f"the key of a {self.kind} has {len(self.key):,} characters, at most {LONGEST_KEY:,} are kept"
            )
        if self.key != self.key.encode("utf-8", "replace").decode("utf-8"):
            raise UsageError(f"the key of a {self.kind} is no text in UTF-8: {self.key[:40]!r}")

    def __str__(self) -> str:
        return self.kind if self.kind == "case" else f"{self.kind} {self.key}"


CASE = About("case")

Thing: TypeAlias = "str | About | tuple[str, str] | Mapping[str, str] | Case | Timeline | Any | None"
"""An event id, an `About` or (kind, key), a card (principal, credential, workload, finding), or the case;
for many events a Timeline, a Query or a DataFrame with `event_id`."""

_CARDS = {
    "principal": "principal",
    "credential": "access_key_id",
    "workload": "workload",
    "finding": "finding_id",
}
"""Cards that are of a thing, by `kind_of_card`, and the attribute that is its key."""


def things(given: Thing | Iterable[Thing]) -> list[About]:
    """What is meant, each once, in the order given; a Timeline, a Query or a DataFrame means its events.

    Raises UsageError for what cannot be noted, for nothing at all, and for more than `MOST` things.
    """
    found: dict[About, None] = {}
    for item in _each(given):
        found[_one(item)] = None
        if len(found) > MOST:
            raise UsageError(f"more than {MOST:,} things at once: narrow what is to be noted")
    if not found:
        raise UsageError("there is nothing to note: no event, and no other thing, was given")
    return list(found)


def _each(given: Any) -> Iterable[Any]:
    from forensics.case import Query
    from forensics.timeline import Timeline

    if isinstance(given, Timeline):
        return [row[0] for row in given.select(f"SELECT event_id FROM timeline LIMIT {MOST + 1}").rows()]
    if isinstance(given, Query) or (hasattr(given, "columns") and hasattr(given, "index")):
        if "event_id" not in given.columns:
            raise UsageError("these rows have no column event_id, by which events are noted")
        return list((given.df() if isinstance(given, Query) else given)["event_id"])
    pair = isinstance(given, tuple) and len(given) == 2 and given[0] in KINDS
    is_one = given is None or pair or isinstance(given, str | About | Mapping) or not isinstance(given, Iterable)
    return [given] if is_one else given


def _one(given: Any) -> About:
    if isinstance(given, About):
        return given
    if isinstance(given, str):
        return About("event", given)
    if isinstance(given, Mapping):
        return About(given.get("kind", ""), given.get("key", ""))
    if isinstance(given, tuple) and len(given) == 2:
        return About(*given)
    return CASE if given is None else _object(given)


def _object(given: Any) -> About:
    """Of one of this package's objects, which are only now imported."""
    from forensics.cards.card import Card
    from forensics.case import Case

    if isinstance(given, Case):
        return CASE
    if isinstance(given, Card) and given.kind_of_card in _CARDS:
        return About(given.kind_of_card, getattr(given, _CARDS[given.kind_of_card]))
    raise UsageError(f"a note cannot be about {type(given).__name__}: give event ids, a card, or (kind, key)")
