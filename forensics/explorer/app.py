"""The explorer: two panels and a figure around one state; what is done in them makes the next state."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from datetime import datetime, timedelta
from typing import Any

import ipywidgets
from ipywidgets.widgets.widget import _instances

from forensics.case import Case
from forensics.errors import ForensicsError, UsageError
from forensics.explorer import brush, marks, search
from forensics.explorer.facets import facets
from forensics.explorer.figure import Figure
from forensics.explorer.filters import KINDS
from forensics.explorer.index import Index
from forensics.explorer.page import COLUMNS, ROWS, page
from forensics.explorer.panel import Panel
from forensics.explorer.record import record
from forensics.explorer.state import State
from forensics.explorer.things import thing
from forensics.explorer.trail import Trail
from forensics.timeline import Timeline, parse_time
from forensics.views.labels import moment, shorten, visible

CHIP = 58
"""Characters of a filter in the head."""

Said = Mapping[str, Any]


class Explorer:
    """Events of a case to look at, narrow, tag and note, in JupyterLab; put it last in a cell.

    `.state` is what is shown, `.timeline` its events, `.code` and `.sql` what makes them again. `.close()` gives the
    memory back.
    """

    def __init__(self, case: Case, state: State) -> None:
        _retire(case)
        self.case = case
        self.index = Index.of(case)
        self.trail = Trail((state,))
        self._by, self._at, self._rows, self._newest = brush.STACKS[0], 0, ROWS[1], False
        self._problem = ""
        self._names = brush.stacks(self.index, self._by)
        self.head = Panel(part="head")
        self.body = Panel(part="body", columns=[column.name for column in COLUMNS if column.usual])
        self.figure = Figure(self._names, self._window)
        self.box = ipywidgets.VBox([self.head, self.figure.widget, self.body])
        self.box.add_class("fxe-app")
        for panel in (self.head, self.body):
            panel.on_msg(self._told)
            panel.explorer = self
        self._show()

    @property
    def state(self) -> State:
        """What is shown."""
        return self.trail.state

    @property
    def timeline(self) -> Timeline:
        """The events shown."""
        return self.state.timeline(self.case)

    @property
    def code(self) -> str:
        """Python that makes the Timeline shown, in a cell where `case` is the case."""
        return self.state.code(self.case)

    @property
    def sql(self) -> str:
        """The statement of the Timeline shown, with `?` for what is bound."""
        return self.timeline.sql

    def close(self) -> None:
        """Take it off the screen and give the memory back; a second time does nothing."""
        if self.box.comm is None:
            return
        for widget in (self.head, self.figure.widget, self.body, self.box):
            widget.close()
        self.index.close()

    def _repr_mimebundle_(self, **options: Any) -> Any:
        self.figure.widget._repr_mimebundle_()
        return self.box._repr_mimebundle_(**options)

    # What is done; a serial in what is shown makes the same answer, asked for again, a new one

    def _told(self, panel: Any, said: Said, _: Any) -> None:
        """Work off one message of a panel; what is wrong with it is shown, and the state stays."""
        actions: Mapping[str, Callable[[Any, Said], None]] = {
            "search": self._search,
            "record": self._record,
            "card": self._card,
            "tag": self._noted,
            "untag": self._noted,
            "note": self._noted,
            "withdraw": self._noted,
        }
        before = self.trail
        try:
            self._say("")
            if said.get("do") in actions:
                actions[said["do"]](panel, said)
            else:
                self._move(said)
        except ForensicsError as error:
            self.trail = before
            self._say(str(error))
        panel.answered = max(panel.answered, int(said.get("serial", 0)))

    def _move(self, said: Said) -> None:
        """Show another state, or the same in another way."""
        do, before = said.get("do"), self.trail
        if do == "page":
            self._at = max(int(said["at"]), 0)
        elif do == "size":
            self._rows = int(said["rows"]) if said["rows"] in ROWS else self._rows
            self._at -= self._at % self._rows
        elif do == "order":
            self._newest, self._at = bool(said["newest"]), 0
        elif do == "stack":
            self._stack(str(said["by"]))
        else:
            self.trail = _moved(self.trail, said, brush.span(self.index, self.state))
        self._show(whole=self.trail != before or do == "stack")

    def _stack(self, by: str) -> None:
        self._by = by if by in brush.STACKS else self._by
        self._names = brush.stacks(self.index, self._by)
        self.figure.stack(self._names)

    def _window(self, start: datetime | None, end: datetime | None) -> None:
        """The window that was dragged in the figure."""
        self.trail = self.trail.to(self.state.between(start, end))
        self._show(whole=True)

    def _search(self, panel: Any, said: Said) -> None:
        text = str(said["text"])
        panel.found = {"text": text, "items": search.search(self.index, text), "serial": said.get("serial")}

    def _record(self, panel: Any, said: Said) -> None:
        key = str(said["id"])
        panel.record = {
            **record(self.index, key),
            "marks": marks.of_event(self.case, key),
            "serial": said.get("serial"),
        }

    def _card(self, panel: Any, said: Said) -> None:
        at = said.get("at")
        when = parse_time(str(at)) if at else None
        kind, value, held = str(said["kind"]), str(said["value"]), bool(said.get("held"))
        panel.card = {**thing(self.index, kind, value, at=when, held=held), "serial": said.get("serial")}

    def _noted(self, panel: Any, said: Said) -> None:
        """Put a tag on or off, write a note or withdraw one."""
        key, notes = str(said["id"]), self.case.notes
        if said["do"] == "tag":
            notes.tag(key, str(said["tag"]))
        elif said["do"] == "untag":
            notes.untag(key, str(said["tag"]))
        elif said["do"] == "note":
            notes.write(str(said["text"]), key)
        else:
            notes.withdraw(str(said["note"]))
        self.index.forget()
        panel.record = {**panel.record, "marks": marks.of_event(self.case, key)}
        panel.marked = marks.of_events(self.case, [row["id"] for row in panel.view["rows"]])

    # What is shown

    def _say(self, problem: str) -> None:
        if problem != self._problem:
            self._problem = problem
            self.head.view = {**self.head.view, "problem": visible(problem)}

    def _show(self, *, whole: bool = True) -> None:
        """Draw the state: all of it, or the table alone."""
        self.index.show(self.state)
        if whole:
            self._at = 0
            events, counted = facets(self.index, self.state)
            self.figure.draw(
                brush.bars(self.index, self.state, by=self._by, names=self._names), brush.marks(self.index, self.state)
            )
            self.head.view = self._head(events)
            self._events, self._facets = events, counted
        rows = page(self.index, at=self._at, rows=self._rows, newest_first=self._newest)
        self.body.marked = marks.of_events(self.case, [row["id"] for row in rows])
        self.body.view = {
            "facets": self._facets,
            "rows": rows,
            "at": self._at,
            "size": self._rows,
            "sizes": list(ROWS),
            "newest": self._newest,
            "events": self._events,
            "columns": [{"name": column.name, "label": column.label, "kind": column.kind} for column in COLUMNS],
            "empty": "" if rows else self.timeline.coverage().badge.of_nothing,
            "code": self.code,
            "sql": self.state.sql_code(self.case),
        }

    def _head(self, events: int) -> dict[str, Any]:
        badge = self.timeline.coverage().badge
        return {
            "chips": _chips(self.state),
            "window": bool(self.state.start or self.state.end),
            "coverage": {
                "word": badge.word,
                "text": visible(badge.sentence),
                "lines": visible("\n".join(badge.lines), keep="\n"),
            },
            "events": events,
            "total": self.index.events,
            "back": self.trail.has_before,
            "forward": self.trail.has_after,
            "by": self._by,
            "stacks": list(brush.STACKS),
            "code": self.code,
            "sql": self.state.sql_code(self.case),
            "problem": visible(self._problem),
        }


def _retire(case: Case) -> None:
    """Close the explorers of the same case opened anew, as by a cell that is run again: nobody else would."""
    for widget in list(_instances.values()):
        shown = getattr(widget, "explorer", None)
        if isinstance(shown, Explorer) and shown.case is not case and shown.case.path == case.path:
            shown.close()


def _moved(trail: Trail, said: Said, span: tuple[datetime, datetime] | None) -> Trail:
    """Where a message leads to. Raises UsageError."""
    state, do = trail.state, said.get("do")
    if do == "back":
        return trail.back()
    if do == "forward":
        return trail.forward()
    if do == "narrow":
        kind, value = str(said["kind"]), said.get("value")
        if kind not in KINDS:
            raise UsageError(f"nothing is narrowed by {kind!r}")
        return trail.to(state.narrow(kind, value, excluded=bool(said.get("excluded"))))
    if do == "drop":
        return trail.to(state.drop(str(said["kind"]), said.get("value")))
    if do == "clear":
        return trail.to(State())
    return trail.to(state.between(*_window(state, said, span)))


def _window(
    state: State, said: Said, span: tuple[datetime, datetime] | None
) -> tuple[datetime | None, datetime | None]:
    """The window that a message asks for. Raises UsageError."""
    do = said.get("do")
    if do == "whole" or (do == "wider" and span is None):
        return None, None
    if do == "wider" and span is not None:
        return brush.wider(span)
    if do == "around":
        at, half = parse_time(str(said["at"])), timedelta(seconds=int(said["seconds"]) / 2)
        return at - half, at + half
    if do == "window":
        start = parse_time(str(said["start"])) if said.get("start") else state.start
        end = parse_time(str(said["end"])) if said.get("end") else state.end
        return start, end
    raise UsageError(f"the explorer knows nothing called {do!r}")


def _chips(state: State) -> list[dict[str, Any]]:
    """The window and each filter, as the head shows them."""
    made: list[dict[str, Any]] = []
    if state.start or state.end:
        first, last = (moment(time) if time else "…" for time in (state.start, state.end))
        made.append(
            {"kind": "window", "label": "window", "value": None, "text": f"{first} to {last}", "excluded": False}
        )
    for item in state.filters:
        said = {"kind": item.kind, "label": KINDS[item.kind].label, "value": item.value, "excluded": item.excluded}
        text = visible(item.text)
        made.append({**said, "text": shorten(text, CHIP), "title": text})
    return made
