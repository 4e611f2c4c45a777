"""A card drawn: what it says is gathered once, and shown as HTML and as text."""

from __future__ import annotations

import re
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from forensics.cards.card import Answer, Card
from forensics.cards.noted import noted
from forensics.cards.tables import SHORT, Table, read
from forensics.case import Query
from forensics.covered import Badge
from forensics.report.display import MEANINGS, Shown
from forensics.sources import sources
from forensics.views.labels import params_text, shorten, visible

CITED = 3
"""Items of a list that a cell shows."""

LONGEST = 300
"""Characters of a heading or a bound value."""

_ARN = 6
_UUID = re.compile(r"[0-9a-f]{8}(?:-[0-9a-f]{4}){3}-[0-9a-f]{12}")

BLIND = 10
"""Blind spots of logs that a card tells."""


@dataclass(frozen=True)
class Told:
    """All that a card says, read from the case once."""

    card: Card
    answers: Sequence[Answer]
    facts: Mapping[str, Any]
    tables: Sequence[Table]
    badge: Badge | None
    noted: Shown | None
    body: Shown | None
    leads: Sequence[str]

    @property
    def heading(self) -> str:
        """What the card is about, on one line."""
        return shorten(visible(self.card.heading), LONGEST)

    @property
    def left(self) -> int:
        """How many sentences are not shown."""
        return max(len(self.answers) - SHORT, 0)

    @property
    def blind(self) -> list[str]:
        """What the logs that the card rests on never show of what it answers."""
        names = [log.source for log in self.badge.logs if log.source in sources()] if self.badge else []
        spots = [(name, spot) for name in names for spot in sources()[name].about.blind_spots]
        return [f"{name}: {spot}" for name, spot in spots if spot.question in (*self.card.asks, "all")][:BLIND]

    @property
    def certainties(self) -> list[str]:
        """The words of certainty that the card uses, from strongest to weakest."""
        used = {item.certainty for item in self.answers}
        for table in self.tables:
            places = [place for place, name in enumerate(table.columns) if name.endswith("certainty")]
            used |= {row[place] for row in table.rows for place in places}
        return [word for word in MEANINGS if word in used]

    @property
    def statements(self) -> list[tuple[str, Query]]:
        """The queries behind the card, each under what it gives."""
        return [("This card", self.card.query), *((table.part.title, table.part.query) for table in self.tables)]


def drawn(card: Card) -> Shown:
    """The card as HTML with its own style, and as text."""
    from forensics.cards.as_html import page
    from forensics.cards.as_text import text

    told = tell(card)
    return Shown(page(told), text(told))


def tell(card: Card) -> Told:
    """What the card says, read from the case."""
    covered = card.coverage()
    badge = covered.badge if covered is not None else None
    hidden = {"coverage"} if badge else set()
    facts = {name: value for name, value in card.facts().items() if value is not None and name not in hidden}
    return Told(card, card.answers(), facts, read(card), badge, noted(card), card.body(), card.leads())


def sentence(answer: Answer) -> str:
    """An answer without control characters, of bounded length."""
    return shorten(visible(answer.text), 3 * LONGEST)


def short(value: list[Any]) -> tuple[list[Any], int]:
    """The first items of a list, and how many more there are; one more is shown instead."""
    shown = value if len(value) <= CITED else value[: CITED - 1]
    return shown, len(value) - len(shown)


def end_of(name: str) -> str:
    """What tells an ARN from others of its account; of an id of 36 characters the beginning; else the text itself."""
    parts = name.split(":", 5)
    if len(parts) == _ARN and parts[0] == "arn":
        return parts[-1]
    return f"{name[:8]}…" if _UUID.fullmatch(name) else name


def statement(query: Query) -> str:
    """The SQL, and under it what is bound."""
    bound = query.params
    names = list(bound) if isinstance(bound, Mapping) else [str(place) for place, _ in enumerate(bound, 1)]
    values = [
        shorten(text.removeprefix(f"{name} = "), LONGEST) for name, text in zip(names, params_text(bound), strict=True)
    ]
    return "\n".join(
        [
            visible(query.sql.strip(), keep="\n"),
            *(f"-- ${name} = {value}" for name, value in zip(names, values, strict=True)),
        ]
    )
