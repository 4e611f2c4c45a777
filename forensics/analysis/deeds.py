"""Deeds: calls of kinds that an analysis names, what each was done to, and whether a later call ended or changed it."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass, replace
from datetime import datetime
from typing import Any

from forensics.analysis.words import at
from forensics.case import Case
from forensics.jsons import parsed
from forensics.timeline import Timeline

_ARN = "^arn:.*:(function:|trail/)"
"""What some calls say before the name that others give alone."""

_DATED = "[0-9]{8}(v[0-9]+)?$"
"""Lambda's actions carry the date of their API."""


@dataclass(frozen=True)
class Kind:
    """A call: what it makes or changes, where its request or answer names that and whose it is, and what ends it.

    `thing`, `answer` and `owner` are JSON paths into the request, the answer and the request; `ends` are pairs of an
    action and the path in its request that names the same thing, or, with `of_owner`, the same owner.
    """

    action: str
    what: str
    thing: str | None = None
    answer: str | None = None
    owner: str | None = None
    ends: tuple[tuple[str, str], ...] = ()
    of_owner: tuple[tuple[str, str], ...] = ()


_DEEDS = f"""
SELECT t.event_id, t.time, t.action, t.outcome, t.principal, t.access_key_id, t.source_ip, t.region, t.resources,
  t.account_id, k.kind,
  regexp_replace(coalesce(json_extract_string(c.response_elements, k.answer),
    json_extract_string(c.request_parameters, k.thing)), '{_ARN}', '') AS thing,
  regexp_replace(json_extract_string(c.request_parameters, k.owner), '{_ARN}', '') AS owner,
  CAST(c.request_parameters AS VARCHAR) AS asked, CAST(c.response_elements AS VARCHAR) AS answered
FROM timeline AS t
JOIN cloudtrail AS c ON c.object_id = t.object_id AND c.record = t.record
JOIN (
  SELECT unnest(CAST(? AS VARCHAR[])) AS action, unnest(CAST(? AS BIGINT[])) AS kind, unnest(CAST(? AS VARCHAR[])) AS thing,
    unnest(CAST(? AS VARCHAR[])) AS answer, unnest(CAST(? AS VARCHAR[])) AS owner
) AS k ON k.action = regexp_replace(t.action, '{_DATED}', '')
WHERE t.outcome = 'success' OR ?
ORDER BY t.time, t.event_id
"""

_ENDED = f"""
SELECT w.event_id, arg_min(e.event_id, (e.time, e.event_id)) AS ended_by, min(e.time) AS time,
  arg_min(e.principal, (e.time, e.event_id)) AS principal, arg_min(e.action, (e.time, e.event_id)) AS action
FROM (
  SELECT unnest(CAST(? AS VARCHAR[])) AS event_id, unnest(CAST(? AS TIMESTAMP[])) AS time,
    unnest(CAST(? AS VARCHAR[])) AS name, unnest(CAST(? AS VARCHAR[])) AS action, unnest(CAST(? AS VARCHAR[])) AS path,
    unnest(CAST(? AS VARCHAR[])) AS owner, unnest(CAST(? AS VARCHAR[])) AS owner_path
) AS w
JOIN event AS e ON e.source = 'cloudtrail' AND e.outcome = 'success' AND e.time > w.time
  AND regexp_replace(e.action, '{_DATED}', '') = w.action
JOIN cloudtrail AS c ON c.object_id = e.object_id AND c.record = e.record
WHERE regexp_replace(json_extract_string(c.request_parameters, w.path), '{_ARN}', '') = w.name
  AND coalesce(json_extract_string(c.request_parameters, w.owner_path), w.owner, '') = coalesce(w.owner, '')
  AND coalesce(json_extract_string(c.request_parameters, '$.status'), 'Inactive') <> 'Active'
  AND coalesce(json_extract_string(c.request_parameters, '$.enable'), 'true') <> 'false'
GROUP BY w.event_id
"""
"""An access key that is set active is not ended, nor a detector that is switched off again."""


@dataclass(frozen=True)
class End:
    """The first call after a deed that ends it, or changes it again."""

    event_id: str
    time: datetime
    principal: str | None
    action: str


@dataclass(frozen=True)
class Deed:
    """A call of a kind: with which credential from where, what it was done to, and what ended that."""

    event_id: str
    time: datetime | None
    action: str
    outcome: str | None
    principal: str | None
    access_key_id: str | None
    address: str | None
    region: str | None
    resources: tuple[str, ...]
    kind: Kind
    thing: str | None
    owner: str | None
    asked: dict[str, Any]
    answered: dict[str, Any]
    end: End | None = None
    account_id: str | None = None

    @property
    def name(self) -> str:
        """The thing, and whose it is."""
        thing = self.thing or "(not named)"
        return f"{thing} of {self.owner}" if self.owner and self.owner != self.thing else thing

    def ended(self, otherwise: str) -> str:
        """What ended it, when and by whom; `otherwise` where nothing in evidence did."""
        if self.outcome != "success":
            return "it did not succeed"
        if self.end is None:
            return otherwise
        return f"{self.end.action} at {at(self.end.time)} by {self.end.principal or 'somebody not named'}"


Ask = Callable[[str, Sequence[Any]], list[tuple[Any, ...]]]
"""Runs a statement with its values: of a case, or of a connection while the case is being resolved."""


def deeds(case: Case, calls: Timeline, kinds: Sequence[Kind], *, refused: bool = False) -> list[Deed]:
    """Those calls that are of the kinds and succeeded, with `refused` the others too, in order of time."""
    return deeds_among(
        lambda sql, params: case.sql(sql, tuple(params)).rows(), (calls.sql, calls.params), kinds, refused
    )


def deeds_among(
    ask: Ask, calls: tuple[str, Sequence[Any]], kinds: Sequence[Kind], refused: bool = False, *, within: str = ""
) -> list[Deed]:
    """The same among the calls that a statement over `event`, with its values, gives.

    `within` is a table of the events that matter, what may end them too, with their requests and answers: then no other
    is read.
    """
    lists = (
        [kind.action for kind in kinds],
        list(range(len(kinds))),
        [kind.thing for kind in kinds],
        [kind.answer for kind in kinds],
        [kind.owner for kind in kinds],
        refused,
    )
    rows = ask(f"WITH timeline AS (\n{calls[0]}\n)\n{_within(_DEEDS, within)}", (*calls[1], *lists))
    found = [_deed(row, kinds) for row in rows]
    ended = _ended(ask, [deed for deed in found if deed.outcome == "success"], _within(_ENDED, within))
    return [replace(deed, end=ended.get(deed.event_id)) for deed in found]


def _deed(row: tuple[Any, ...], kinds: Sequence[Kind]) -> Deed:
    event_id, time, action, outcome, principal, key, address, region, resources, *more = row
    account_id, kind, thing, owner, asked, answered = more
    return Deed(
        event_id,
        time,
        action,
        outcome,
        principal,
        key,
        address,
        region,
        tuple(resources or ()),
        kinds[kind],
        thing,
        owner,
        _object(asked),
        _object(answered),
        account_id=account_id,
    )


def _object(text: str | None) -> dict[str, Any]:
    value = parsed(text) if text else None
    return value if isinstance(value, dict) else {}


def _within(sql: str, table: str) -> str:
    """The statement over that table instead of everything."""
    named = {"JOIN event AS": f"JOIN {table} AS", "JOIN cloudtrail AS": f"JOIN {table} AS"} if table else {}
    for before, after in named.items():
        sql = sql.replace(before, after)
    return sql


def _ended(ask: Ask, found: Sequence[Deed], sql: str) -> dict[str, End]:
    looked_for = [
        (deed.event_id, deed.time, name, action, path, deed.owner, deed.kind.owner)
        for deed in found
        for name, pairs in ((deed.thing, deed.kind.ends), (deed.owner, deed.kind.of_owner))
        for action, path in pairs
        if name and deed.time
    ]
    if not looked_for:
        return {}
    columns = [list(column) for column in zip(*looked_for, strict=True)]
    rows = ask(sql, columns)
    return {row[0]: End(*row[1:]) for row in rows}
