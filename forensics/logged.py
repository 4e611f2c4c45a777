"""Whether data events of a bucket, an object or a function were recorded at a moment: by trails' selectors, and by records."""

from __future__ import annotations

import json
from collections.abc import Iterator
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from typing import TYPE_CHECKING, Any

from forensics.carded import Carded
from forensics.case import Case, Query
from forensics.errors import UsageError
from forensics.selectors import LAMBDA, S3, records
from forensics.timeline import Moment, parse_time

if TYPE_CHECKING:
    from forensics.cards.card import Card

NEAR = timedelta(minutes=30)
"""Data events of the resource so near the moment prove that they were recorded then."""

_TRAILS = """
SELECT t.account_id, t.region, t.thing, t.every_region,
  arg_max(s.state, s.valid_from) FILTER (WHERE s.state <> 'selects') AS state,
  arg_max(s.cause, s.valid_from) FILTER (WHERE s.state <> 'selects') AS state_cause,
  arg_max(s.event_id, s.valid_from) FILTER (WHERE s.state <> 'selects') AS state_id,
  arg_max(CAST(s.selectors AS VARCHAR), s.valid_from) FILTER (WHERE s.state = 'selects') AS selectors,
  arg_max(s.cause, s.valid_from) FILTER (WHERE s.state = 'selects') AS selects_cause,
  arg_max(s.event_id, s.valid_from) FILTER (WHERE s.state = 'selects') AS selects_id
FROM (
  SELECT account_id, region, thing, bool_or(every_region) AS every_region
  FROM logging_state
  WHERE source = 'cloudtrail'
  GROUP BY account_id, region, thing
) AS t
LEFT JOIN logging_state AS s ON s.source = 'cloudtrail'
  AND s.account_id IS NOT DISTINCT FROM t.account_id AND s.region = t.region AND s.thing IS NOT DISTINCT FROM t.thing
  AND s.valid_from <= $at AND $at < coalesce(s.valid_to, TIMESTAMP '9999-12-31 00:00:00')
WHERE (CAST($account AS VARCHAR) IS NULL OR t.account_id IS NULL OR t.account_id = $account)
  AND (CAST($region AS VARCHAR) IS NULL OR t.region = $region OR coalesce(t.every_region, TRUE))
GROUP BY t.account_id, t.region, t.thing, t.every_region
ORDER BY t.account_id, t.region, t.thing
"""

_SEEN = """
SELECT count(*) AS records, min(coalesce(nullif(c.event_id, ''), c.object_id || '/' || c.record)) AS event_id
FROM (
  SELECT s.event_id, s.object_id, s.record, s.resource_ids
  FROM cloudtrail AS s
  WHERE s.event_category = 'Data'
    AND $first <= s.event_time AND s.event_time < $last
    AND contains(array_to_string(s.resource_ids, ' '), $arn)
) AS c
WHERE (list_contains(c.resource_ids, $arn) OR EXISTS (
    SELECT 1 FROM unnest(c.resource_ids) AS u(held) WHERE starts_with(u.held, $inside)))
  AND NOT EXISTS (
    SELECT 1 FROM superseded AS x
    WHERE x.source = 'cloudtrail' AND x.copy_object_id = c.object_id AND x.copy_record = c.record)
"""
"""Rows of `event` near the moment, read where data events are told from others: the view of all events is not narrowed
before its resources are looked into."""


@dataclass(frozen=True)
class Rule:
    """What a trail recorded of it at that moment: reads, writes (TRUE, FALSE, None: a part, or not known), and why."""

    trail: str
    reads: bool | None
    writes: bool | None
    why: str
    event_ids: tuple[str, ...] = ()


@dataclass(frozen=True, repr=False)
class Logged(Carded):
    """Whether data events of a resource were recorded at a moment: each trail's rule, and records that prove it."""

    arn: str
    at: datetime
    rules: tuple[Rule, ...]
    records: int
    example: str | None
    query: Query | None = field(default=None, compare=False)
    """What counted the records near the moment."""

    @property
    def reads(self) -> bool | None:
        """Whether reads of objects, or invocations, were; None where evidence does not say."""
        return self._any([rule.reads for rule in self.rules])

    @property
    def writes(self) -> bool | None:
        """Whether writes were; None where evidence does not say."""
        return self._any([rule.writes for rule in self.rules])

    @property
    def answer(self) -> str:
        """yes, no, partly or unknown."""
        both = {self.reads, self.writes}
        if both == {True} or (self._function and self.writes):
            return "yes"
        if both == {False}:
            return "partly" if self.records else "no"
        return "partly" if True in both or self.records else "unknown"

    @property
    def event_ids(self) -> list[str]:
        """The acts and records that say so."""
        said = [name for rule in self.rules for name in rule.event_ids]
        return list(dict.fromkeys([*said, *([self.example] if self.example else [])]))

    @property
    def _function(self) -> bool:
        return ":lambda:" in self.arn

    @staticmethod
    def _any(judged: list[bool | None]) -> bool | None:
        if True in judged:
            return True
        return False if judged and None not in judged else None

    def card(self) -> Card:
        """The answer, what each trail did, and the acts that say so. Raises UsageError where it is of no case."""
        from forensics.cards.recorded import Recorded

        if self.query is None:
            raise UsageError("this answer was made without a case")
        return Recorded(self.query.case, self.query, self)

    def _plainly(self) -> str:
        return str(self)

    def __str__(self) -> str:
        """The answer and what it rests on, a trail a line."""
        head = f"data events of {self.arn} at {self.at:%Y-%m-%d %H:%M:%S} UTC recorded: {self.answer}"
        head += ", by the trails that evidence names" if self.answer == "no" else ""
        lines = [f"  {rule.trail}: {rule.why}" for rule in self.rules]
        lines += [] if lines else ["  nothing in evidence says what any trail selected at that time"]
        near = int(NEAR.total_seconds() // 60)
        found = f"{self.records:,} data events of it" if self.records else "no data event of it"
        return "\n".join([head, *lines, f"  {found} within {near} minutes of that moment"])


def logged(case: Case, arn: str, at: Moment) -> Logged:
    """Whether data events of an S3 bucket or object, or a Lambda function, were recorded then. Raises UsageError."""
    kind, account, region = _kind(arn)
    moment = parse_time(at)
    rows = case.sql(_TRAILS, {"at": moment, "account": account, "region": region}).rows()
    inside = f"{arn}/" if kind == S3 else f"{arn}:"
    span = {"first": moment - NEAR, "last": moment + NEAR, "arn": arn, "inside": inside}
    near = case.sql(_SEEN, span)
    seen = near.rows()[0]
    return Logged(arn, moment, tuple(_rules(rows, kind, arn)), int(seen[0]), seen[1], near)


def _kind(arn: str) -> tuple[str, str | None, str | None]:
    parts = arn.split(":")
    if arn.startswith("arn:") and len(parts) > 5 and parts[2] == "s3" and parts[5]:
        return S3, None, None
    if arn.startswith("arn:") and len(parts) > 6 and parts[2] == "lambda":
        return LAMBDA, parts[4], parts[3]
    raise UsageError(f"not the ARN of a bucket, an object or a function: {arn!r}; write arn:aws:s3:::BUCKET[/KEY]")


def _rules(rows: list[tuple[Any, ...]], kind: str, arn: str) -> Iterator[Rule]:
    for account, region, thing, _, state, state_cause, state_id, selectors, cause, selects_id in rows:
        trail = " ".join(str(part) for part in (thing or "a trail", account, region) if part)
        if state == "off":
            yield Rule(trail, False, False, f"off: {state_cause}", tuple(filter(None, [state_id])))
        elif selectors is None:
            yield Rule(trail, None, None, "nothing in evidence says what it selected then")
        else:
            chosen = json.loads(selectors)
            reads, writes = (records(chosen, kind, arn, write=write) for write in (False, True))
            said = f"reads {_yes(reads)}, writes {_yes(writes)}: {cause}"
            yield Rule(trail, reads, writes, said, tuple(filter(None, [selects_id])))


def _yes(value: bool | None) -> str:
    return {True: "yes", False: "no", None: "in part"}[value]
