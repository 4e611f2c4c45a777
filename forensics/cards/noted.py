"""What responders tagged and wrote about the thing of a card: their words, not evidence."""

from __future__ import annotations

from collections.abc import Sequence
from html import escape
from typing import TYPE_CHECKING

from forensics.cards.tables import SHORT
from forensics.errors import ForensicsError
from forensics.notes.about import KINDS, About
from forensics.report.display import Shown, chips
from forensics.views.labels import moment, shorten, visible

if TYPE_CHECKING:
    from forensics.cards.card import Card
    from forensics.notes import Standing

_LONGEST = 1000
"""Characters of a note that a card shows."""


def noted(card: Card) -> Shown | None:
    """The tags and notes about it that stand; None where there are none, or it is nothing that is noted."""
    kind = "event" if card.kind_of_card == "record" else card.kind_of_card
    if kind not in KINDS:
        return None
    try:
        found = card.case.notes.rows(About(kind, "" if kind == "case" else card.key))
    except ForensicsError as error:
        said = f"The notes cannot be read: {visible(str(error))}"
        return Shown(f'<p class="fc-more">{escape(said)}</p>', said)
    return _shown(found) if found else None


def _shown(found: Sequence[Standing]) -> Shown:
    tags = sorted({item.tag for item in found if item.tag is not None})
    texts = [item for item in found if item.text is not None]
    lines = [(_who(item), shorten(visible(item.text, keep="\n"), _LONGEST)) for item in texts[-SHORT:]]
    left = [f"{len(texts) - SHORT:,} earlier notes: case.notes.df()"] if len(texts) > SHORT else []
    items = "".join(f"<li><i>{escape(who)}</i> {escape(text)}</li>" for who, text in lines)
    html = f'<div class="fc-notes"><b>Noted</b> {chips(tags)}<ul>{items}</ul>{"".join(map(escape, left))}</div>'
    said = [f"Noted: {', '.join(map(visible, tags))}" if tags else "Noted"]
    return Shown(html, "\n".join([*said, *(f"  {who} {text}" for who, text in lines), *left]))


def _who(item: Standing) -> str:
    return f"{moment(item.at)} {visible(item.by)}:"
