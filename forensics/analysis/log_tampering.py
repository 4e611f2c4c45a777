"""Which logs were stopped, narrowed or thrown away, by whom, until when, and what is not known because of it."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from datetime import datetime
from functools import cached_property
from typing import Any

import pandas as pd

from forensics.analysis import access_lines
from forensics.analysis.acts import ActsAnswer, calls_of, ids_of
from forensics.analysis.deeds import Deed, deeds
from forensics.analysis.gaps import Gap
from forensics.analysis.hands import hands
from forensics.analysis.isolation import Command
from forensics.analysis.statement import Statement, named
from forensics.analysis.tampering import ACTIONS, KINDS, effect, of_logs, silences
from forensics.analysis.tampering_undone import undoing
from forensics.analysis.technique import technique
from forensics.analysis.words import at, count, during, listed, size
from forensics.case import Case, Query
from forensics.sources import title_of

SOURCES = ("cloudtrail", "guardduty", "s3_access", "vpc_flow")

_SILENT = """
SELECT w.event_id, w.source, w.since, coalesce(w.until, l.last) AS until,
  count(e.event_id) FILTER (WHERE e.time > w.since AND e.time < coalesce(w.until, l.last)) AS records,
  count(e.event_id) FILTER (WHERE e.time <= w.since AND e.time > w.since - (coalesce(w.until, l.last) - w.since)) AS before
FROM (
  SELECT unnest(CAST(? AS VARCHAR[])) AS event_id, unnest(CAST(? AS VARCHAR[])) AS source,
    unnest(CAST(? AS TIMESTAMP[])) AS since, unnest(CAST(? AS TIMESTAMP[])) AS until
) AS w
JOIN event AS d ON d.source = 'cloudtrail' AND d.event_id = w.event_id
CROSS JOIN (SELECT max(time) AS last FROM event) AS l
JOIN event AS e ON e.source = w.source AND e.account_id = d.account_id
GROUP BY w.event_id, w.source, w.since, coalesce(w.until, l.last)
ORDER BY w.since, w.source
"""

_MEANWHILE = """
SELECT w.since, w.until, e.source, count(*) AS records, count(DISTINCT e.principal) AS principals, min(e.time) AS first,
  max(e.time) AS last
FROM (SELECT unnest(CAST(? AS TIMESTAMP[])) AS since, unnest(CAST(? AS TIMESTAMP[])) AS until) AS w
JOIN event AS e ON e.time > w.since AND e.time < w.until
GROUP BY w.since, w.until, e.source
ORDER BY w.since, e.source
"""

_UNSEEN = """
SELECT count(*) AS entries, CAST(coalesce(sum(l.bytes), 0) AS BIGINT) AS bytes,
  count(*) FILTER (WHERE l.operation LIKE '%GET.OBJECT%') AS reads,
  count(*) FILTER (WHERE l.operation LIKE '%DELETE%') AS deletions, min(l.time) AS first, max(l.time) AS last
FROM (SELECT * FROM line) AS l
WHERE l.call_id IS NULL AND l.outcome = 'success'
"""


_LASTS = "nothing in evidence undoes it"


@dataclass(frozen=True)
class Silence:
    """A time in which a log has nothing, or less, because of an act; and how much it had in as long a time before."""

    deed: Deed
    source: str
    since: datetime
    until: datetime
    records: int
    before: int

    @property
    def minutes(self) -> int:
        """How long, in whole minutes."""
        return int((self.until - self.since).total_seconds() // 60)


@dataclass(frozen=True)
class Tampering(ActsAnswer):
    """The answer: every act of an intruder against logs, and the silences that came of them."""

    @cached_property
    def deeds(self) -> list[Deed]:
        """Acts against logs of the intrusion, refused ones too, in order of time."""
        return deeds(self.case, of_logs(self.intrusion.calls), KINDS, refused=True) if self.intrusion.stolen else []

    @property
    def done(self) -> list[Deed]:
        """Those that succeeded."""
        return [deed for deed in self.deeds if deed.outcome == "success"]

    @cached_property
    def silences(self) -> list[Silence]:
        """Times in which a log that is in evidence was off."""
        off = [(deed, source) for deed in self.done if deed.time and (source := silences(deed))]
        columns: list[list[Any]] = [
            [deed.event_id for deed, _ in off],
            [source for _, source in off],
            [deed.time for deed, _ in off],
            [deed.end.time if deed.end else None for deed, _ in off],
        ]
        by_id = {deed.event_id: deed for deed, _ in off}
        rows = self.case.sql(_SILENT, tuple(columns)).rows() if off else []
        return [Silence(by_id[row[0]], *row[1:]) for row in rows]

    @property
    def verdict(self) -> str:
        """What was done to which log, by whom, and since when what is missing; or that nothing was."""
        if not self.deeds:
            return self.nothing("act against a log", SOURCES)
        refused = len(self.deeds) - len(self.done)
        whose = sorted({f"{deed.principal or 'somebody not named'} from {deed.address}" for deed in self.deeds})
        made = listed([f"{deed.kind.what} {deed.name} ({_clock(deed)})" for deed in self.done], len(self.done))
        return (
            f"{count(len(self.done), 'act')} against logs succeeded and {refused:,} {'was' if refused == 1 else 'were'}"
            f" refused, {during(self.deeds[0].time, self.deeds[-1].time)}, in an intruder's hands: {listed(whose, 5)}."
            f"{self._quiet()}{self._unseen()}\n\nThey are: {made or 'none that succeeded'}."
        )

    def _quiet(self) -> str:
        said = [
            f" {title_of(item.source)}: {count(item.records, 'record')} {during(item.since, item.until)}"
            f" ({item.minutes} minutes{'' if item.deed.end else ', until the evidence ends'}), {item.before:,} in as long a"
            " time before."
            for item in self.silences
        ]
        return "".join(said)

    def _unseen(self) -> str:
        entries, octets, reads, deletions, first, last = access_lines.lines(self.intrusion, _UNSEEN).rows()[0]
        if not entries:
            return ""
        return (
            f" S3's access logs show what CloudTrail does not: {count(reads, 'object')} read ({size(octets)}) and"
            f" {deletions:,} deleted by the same hands {during(first, last)}."
        )

    def acts(self) -> Iterator[Statement]:
        """A statement for each act, each silence, and what access logs show."""
        for number, deed in enumerate(self.deeds, 1):
            yield _deed(f"tampering-{number:02d}", deed)
        mine = {row[0] for row in self.intrusion.calls.select("SELECT event_id FROM timeline").rows()}
        for number, item in enumerate(self.silences, 1):
            yield _silence(f"silence-{number:02d}", item, mine)
        yield from access_lines.statements(self.intrusion)

    @property
    def what_was_done(self) -> pd.DataFrame:
        """A row for each act: what, to which log, what it does, whether it succeeded, and until when."""
        rows = [
            (
                deed.time,
                deed.kind.what,
                deed.name,
                effect(deed),
                deed.outcome,
                deed.principal,
                deed.address,
                deed.ended(_LASTS),
            )
            for deed in self.deeds
        ]
        columns = ["time", "what", "log", "effect", "outcome", "by", "from", "undone"]
        return pd.DataFrame(rows, columns=columns)

    @property
    def quiet(self) -> pd.DataFrame:
        """A row for each silence: which source, since and until when, records in it and in as long a time before."""
        rows = [
            (title_of(item.source), item.since, item.until, item.minutes, item.records, item.before)
            for item in self.silences
        ]
        return pd.DataFrame(rows, columns=["source", "since", "until", "minutes", "records", "as long before"])

    @property
    def meanwhile(self) -> Query:
        """What each source holds of the times in which the trail was off."""
        off = [item for item in self.silences if item.source == "cloudtrail"]
        return self.case.sql(_MEANWHILE, ([item.since for item in off], [item.until for item in off]))

    def open_questions(self) -> list[Gap]:
        """What stays open because of the tampering."""
        found = [
            Gap(
                f"What {title_of(item.source)} would show {during(item.since, item.until)}",
                f"{item.deed.action} switched it off",
                _REMEDY.get(item.source, "other logs of that time; nothing brings these records back"),
            )
            for item in self.silences
        ]
        if any(deed.kind.what.startswith("log file") for deed in self.done) or self.done:
            found.append(
                Gap(
                    "Whether log files were deleted from their bucket after they were delivered",
                    "the trail's own events may be among them, and deletions are data events",
                    "forensics verify CASE --digests; versions of the bucket's objects; its access log",
                )
            )
        return found

    def steps(self) -> list[Command]:
        """Switch on again what nothing in evidence switched on."""
        return [command for deed in self.done if deed.end is None for command in undoing(deed)]


def investigate(case: Case, *, principal: str | None = None) -> Tampering:
    """Judge every call that can stop, narrow or delete a log, of a principal if one is given.

    What else the same hands did is followed in either case. Raises UnknownName, AmbiguousName.
    """
    found = hands(case, ids_of(of_logs(calls_of(case, ACTIONS, principal=principal))))
    return Tampering(case, found.intrusion, None, found)


_REMEDY = {
    "cloudtrail": "aws cloudtrail lookup-events: the event history of 90 days goes on when a trail is stopped, without data"
    " events; other trails, the organization's among them; access logs and flows of that time",
    "guardduty": "switch it on again; flows, DNS and calls of that time can still be searched by hand",
    "config_item": "the calls that changed configurations; what is configured now",
    "vpc_flow": "nothing brings flows back; logs of hosts and balancers",
}


def _clock(deed: Deed) -> str:
    return f"{deed.time:%H:%M:%S}" if deed.time else "time not recorded"


def _deed(identifier: str, deed: Deed) -> Statement:
    tried = deed.outcome != "success"
    does = f"It was refused; it would have meant: {effect(deed)}" if tried else effect(deed)
    return Statement(
        id=identifier,
        title=f"{'Tried, and refused: ' if tried else ''}{deed.kind.what} {deed.name}",
        statement=(
            f"At {at(deed.time)} {deed.principal or 'somebody not named'}, with the credential {deed.access_key_id} from"
            f" {deed.address or 'an address not recorded'}, called {deed.action} for {deed.name}. "
            f"{does[:1].upper()}{does[1:]}." + ("" if tried else f" Since then: {deed.ended(_LASTS)}.")
        ),
        time=deed.time,
        certainty="recorded",
        technique=technique(deed.action),
        principal=deed.principal,
        resources=deed.resources,
        evidence=named([deed.event_id]),
    )


def _silence(identifier: str, item: Silence, mine: set[str]) -> Statement:
    title = title_of(item.source)
    end = item.deed.end
    ids = [item.deed.event_id] + ([end.event_id] if end and end.event_id in mine else [])
    return Statement(
        id=identifier,
        title=f"Silence of {item.minutes} minutes: {title}",
        statement=(
            f"{title}: the case holds {count(item.records, 'record')} of the account {during(item.since, item.until)},"
            f" and {item.before:,} of as long a time before. {item.deed.action} at {at(item.deed.time)} is why:"
            " that nothing is seen then does not mean that nothing happened."
        ),
        time=item.since,
        certainty="inferred",
        technique=technique(item.deed.action),
        principal=item.deed.principal,
        resources=item.deed.resources,
        evidence=named(ids),
    )
