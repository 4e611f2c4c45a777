"""What shows itself as a card: in a notebook as HTML, in a terminal as text."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import duckdb

from forensics.errors import ForensicsError

if TYPE_CHECKING:
    from forensics.cards.card import Card


class Carded:
    """Has a card, which is drawn when it is shown, never before."""

    def card(self) -> Card:
        """Its card."""
        raise NotImplementedError

    def _plainly(self) -> str:
        """What is shown where the card cannot be drawn: the case is closed, or the statement fails."""
        raise NotImplementedError

    def __repr__(self) -> str:
        """The card as text."""
        try:
            return repr(self.card())
        except (duckdb.Error, ForensicsError):
            return self._plainly()

    def _repr_html_(self) -> str:
        return self.card()._repr_html_()

    def _repr_mimebundle_(self, **options: Any) -> Any:
        return self.card()._repr_mimebundle_(**options)
