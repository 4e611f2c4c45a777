"""A value as HTML of a card: escaped; a name opens to the ready Python text that leads on from it."""

from __future__ import annotations

import json
from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime
from html import escape
from typing import Any

from forensics.cards.drawing import end_of, short
from forensics.cards.pivots import calls
from forensics.report.cells import cell_html, cell_text, is_missing
from forensics.views.labels import shorten, visible

_WIDEST = 600
"""Characters of a value that a card holds."""

_BRIEF = 34
"""Characters of a value in a table that is brief."""


@dataclass(frozen=True)
class Look:
    """How a value is shown: `brief`, on one line; with buttons; `at` is the time of its row."""

    brief: bool = False
    buttons: bool = True
    at: datetime | None = None


def value_html(name: str, value: Any, look: Look) -> str:
    """A value of that column or fact; of a list the first items, in brief one."""
    if isinstance(value, list) and value:
        return _items(name, value, look)
    if is_missing(value) or not isinstance(value, str):
        return shorten_html(value)
    shown = shorten(cell_text(end_of(value)), _BRIEF) if look.brief else shorten(cell_text(value), _WIDEST)
    ready = calls(name, value, at=look.at)
    if not ready:
        return cell_html(shown)
    whole = f' title="{escape(visible(value))}"' if shown != value else ""
    return (
        f'<details class="fc-go"><summary{whole}>{escape(shown)}</summary>{ready_html(ready, look.buttons)}</details>'
    )


def shorten_html(value: Any) -> str:
    """What is no text, such as a number or a struct, of bounded length."""
    text = cell_text(value)
    return cell_html(value) if len(text) <= _WIDEST else cell_html(shorten(text, _WIDEST))


def _items(name: str, values: list[Any], look: Look) -> str:
    if look.brief:
        more = f' <span class="fx-none">+{len(values) - 1}</span>' if len(values) > 1 else ""
        return value_html(name, values[0], look) + more
    items, left = short(values)
    more = f'<div class="fx-none">… and {left:,} more</div>' if left else ""
    return "".join(f"<div>{value_html(name, item, look)}</div>" for item in items) + more


def ready_html(ready: Sequence[str], buttons: bool = True) -> str:
    """Ready calls, each to be selected by a click, or put into a new cell by JupyterLab."""
    return "".join(f'<div class="fc-call">{code(call)}{_button(call) if buttons else ""}</div>' for call in ready)


def code(call: str) -> str:
    """Python text that a click selects."""
    return f"<code>{escape(visible(call))}</code>"


def _button(call: str) -> str:
    """A button that has JupyterLab put the text into a new cell below; it runs nothing."""
    args = {"commands": ["notebook:insert-cell-below", "notebook:replace-selection"], "args": {"text": call}}
    return (
        '<button class="fc-new" title="into a new cell below; runs nothing" '
        f'data-commandlinker-command="apputils:run-all-enabled" data-commandlinker-args="{escape(json.dumps(args))}">'
        "⤵</button>"
    )
