"""Opening the explorer: on the whole case, a window, or a thing by its name."""

from __future__ import annotations

from typing import TYPE_CHECKING

from forensics.case import Case
from forensics.errors import UnknownName, UsageError
from forensics.explorer.state import State
from forensics.identity import find_principal
from forensics.timeline import Moment, find_workload

if TYPE_CHECKING:
    from forensics.explorer.app import Explorer

_FINDING = "SELECT finding_id FROM finding WHERE finding_id = ?"

_MET = """
SELECT
  count(CASE WHEN access_key_id = $name THEN 1 END) AS access_key,
  count(CASE WHEN session = $name THEN 1 END) AS session,
  count(CASE WHEN source_ip = $name OR destination_ip = $name THEN 1 END) AS address,
  count(CASE WHEN list_contains(resources, $name) THEN 1 END) AS resource,
  count(CASE WHEN event_id = $name THEN 1 END) AS event,
  count(CASE WHEN action = $name THEN 1 END) AS action
FROM event
"""

_KINDS = ("access_key", "session", "address", "resource", "event", "action")


def explore(
    case: Case, about: str | None = None, *, start: Moment | None = None, end: Moment | None = None
) -> Explorer:
    """The explorer on the whole case, or narrowed to a thing and a window.

    Raises UsageError (JupyterLab's widgets are not installed; the window is empty), UnknownName, AmbiguousName.
    """
    try:
        from forensics.explorer.app import Explorer
    except ImportError as error:
        raise UsageError(
            f"the explorer needs the widgets of JupyterLab ({error.name} is not installed): pip install '.[lab]'"
        ) from None
    state = State().between(start, end)
    if about is not None:
        state = state.narrow(*named(case, about.strip()))
    return Explorer(case, state)


def named(case: Case, name: str) -> tuple[str, str]:
    """The kind of filter, and the value, that a name stands for: its key, or the bare name of a principal or workload.

    Raises UnknownName, AmbiguousName.
    """
    if not name:
        raise UsageError("give the name of something, or nothing for the whole case")
    if case.sql(_FINDING, (name,)).rows():
        return "finding", name
    for kind, find in (("workload", find_workload), ("principal", find_principal)):
        try:
            found = find(case, name)
        except UnknownName:
            continue
        if name == found or not name.startswith("arn:"):
            return kind, found
    met = dict(zip(_KINDS, case.sql(_MET, {"name": name}).rows()[0], strict=True))
    if not any(met.values()):
        raise UnknownName("thing", name, advice="search for it in case.explore()")
    return max(_KINDS, key=lambda kind: met[kind]), name
