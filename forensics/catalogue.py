"""The registry of log sources as text: what each is, where it comes from, and what it cannot show."""

from __future__ import annotations

import textwrap
from typing import TYPE_CHECKING

from forensics.sources import from_outside, source, sources

if TYPE_CHECKING:
    from forensics.output import Rows

WIDTH = 110
"""Characters of a line of a card."""

_NAMES = 14


def listed() -> Rows:
    """A row per source: name, title, AWS page, recognised, delivered, delay, organisation, cannot show, columns."""
    from forensics.output import Rows

    known = list(sources().values())
    return Rows.table(
        source=[item.name for item in known],
        title=[item.title for item in known],
        aws_page=[item.reference for item in known],
        recognised=[item.about.recognised for item in known],
        delivered=[item.about.delivered for item in known],
        delay=[item.about.delay for item in known],
        organisation=[item.about.organisation for item in known],
        cannot_show=[" ".join(item.about.cannot_show) for item in known],
        columns=[len(item.table_columns) for item in known],
    )


def columns(name: str) -> Rows:
    """A row per column of a source's table: column, type, what it holds. Raises UnknownName."""
    from forensics.output import Rows

    found = source(name)
    docs = found.documented
    return Rows.table(
        column=[column for column, _ in found.table_columns],
        type=[kind for _, kind in found.table_columns],
        holds=[docs[column] for column, _ in found.table_columns],
    )


def cards() -> str:
    """Every source as a few lines for reading."""
    return "\n\n".join(_card(name) for name in sources())


def _card(name: str) -> str:
    found = source(name)
    about = found.about
    said = (
        ("AWS page", found.reference),
        ("recognised", about.recognised),
        ("delivered", about.delivered),
        ("delay", about.delay),
        ("organisation", about.organisation),
        *(("cannot show" if place == 0 else "", text) for place, text in enumerate(about.cannot_show)),
    )
    if name in from_outside():
        said = (*said, ("module", f"from outside the package: {from_outside()[name].file}"))
    lines = [f"{name}  ({len(found.table_columns)} columns)", f"  {found.title}"]
    for word, text in said:
        lines += textwrap.wrap(
            text,
            WIDTH,
            initial_indent=f"    {word:<{_NAMES}}",
            subsequent_indent=" " * (4 + _NAMES),
            break_long_words=False,
            break_on_hyphens=False,
        )
    return "\n".join(lines)
