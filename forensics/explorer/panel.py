"""The two panels of the explorer as widgets: what they show comes in traits, what is done in them as messages."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import anywidget
import traitlets

HERE = Path(__file__).parent


class Panel(anywidget.AnyWidget):
    """The head (search, filters, coverage) or the body (facets, table, record); `part` says which.

    `answered` is the serial of the last message that was worked off: until it is that of the last one sent, the panel
    bears a busy mark.
    """

    _esm = HERE / "explorer.js"
    _css = HERE / "explorer.css"

    explorer: Any = None
    """What it is a panel of."""

    part = traitlets.Unicode("head").tag(sync=True)
    view = traitlets.Dict().tag(sync=True)
    answered = traitlets.Int(0).tag(sync=True)
    found: traitlets.Dict[str, Any] = traitlets.Dict().tag(sync=True)
    record: traitlets.Dict[str, Any] = traitlets.Dict().tag(sync=True)
    card: traitlets.Dict[str, Any] = traitlets.Dict().tag(sync=True)
    marked: traitlets.Dict[str, Any] = traitlets.Dict().tag(sync=True)
    current = traitlets.Unicode("").tag(sync=True)
    columns = traitlets.List(traitlets.Unicode()).tag(sync=True)
