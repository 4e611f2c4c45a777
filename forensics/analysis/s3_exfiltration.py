"""Which objects of which buckets were read, written over or deleted, with whose credential, and what remains."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from functools import cached_property
from typing import Any

import pandas as pd

from forensics.analysis import access_lines, object_acts
from forensics.analysis.acts import ActsAnswer
from forensics.analysis.bucket_changes import ACTIONS, KINDS, meaning, restoring
from forensics.analysis.deeds import Deed, deeds
from forensics.analysis.gaps import Gap
from forensics.analysis.hands import hands
from forensics.analysis.isolation import Command
from forensics.analysis.statement import Statement, named
from forensics.analysis.technique import technique
from forensics.analysis.words import at, count, during, listed, size
from forensics.case import Case, Query
from forensics.errors import UnknownName
from forensics.identity import find_principal
from forensics.timeline import Timeline

SOURCES = ("cloudtrail", "s3_access", "vpc_flow", "guardduty")

_SIGNS = """
SELECT min(t.event_id) AS event_id
FROM timeline AS t
WHERE t.access_key_id IS NOT NULL
GROUP BY t.access_key_id, t.source_ip
"""

_SIGNS_OF_LINES = """
SELECT min(e.event_id) AS event_id
FROM (
  SELECT DISTINCT t.session, t.principal, t.source_ip
  FROM timeline AS t
) AS line
JOIN event AS e ON e.source = 'cloudtrail' AND e.source_ip = line.source_ip AND e.access_key_id IS NOT NULL
  AND (e.session = line.session OR (line.session IS NULL AND e.principal = line.principal))
GROUP BY e.access_key_id, e.source_ip
"""
"""Access logs name no credential: those of the same session or user at the same address."""

_RECONCILED = """
SELECT coalesce(c.bucket, l.bucket) AS bucket, coalesce(c.principal, l.principal) AS principal,
  coalesce(c.source_ip, l.source_ip) AS address, coalesce(c.calls, 0) AS calls, coalesce(c.bytes, 0) AS bytes,
  coalesce(l.entries, 0) AS entries, coalesce(l.bytes, 0) AS bytes_of_entries, coalesce(l.known, 0) AS same_request,
  coalesce(f.bytes, 0) AS flow_bytes
FROM (
  SELECT o.bucket, o.principal, o.source_ip, count(*) AS calls, CAST(sum(o.bytes) AS BIGINT) AS bytes
  FROM (
{objects}
  ) AS o
  WHERE o.what = 'read'
  GROUP BY o.bucket, o.principal, o.source_ip
) AS c
FULL JOIN (
  SELECT l.bucket, l.principal, l.source_ip, count(*) AS entries, CAST(sum(l.bytes) AS BIGINT) AS bytes,
    count(l.call_id) AS known
  FROM (
{lines}
  ) AS l
  WHERE l.operation = 'REST.GET.OBJECT' AND l.outcome = 'success'
  GROUP BY l.bucket, l.principal, l.source_ip
) AS l ON l.bucket = c.bucket AND l.principal = c.principal AND l.source_ip = c.source_ip
LEFT JOIN (
  SELECT v.dstaddr AS address, CAST(sum(v.bytes) AS BIGINT) AS bytes
  FROM vpc_flow AS v
  WHERE v.action = 'ACCEPT'
    AND v.interface_id NOT IN (
      SELECT h.holds FROM lifetime AS h JOIN workload AS w ON w.workload = h.workload
      WHERE h.holds_kind = 'eni' AND w.kind = 'nat_gateway')
  GROUP BY v.dstaddr
) AS f ON f.address = coalesce(c.source_ip, l.source_ip)
ORDER BY coalesce(c.bytes, l.bytes) DESC, bucket, address
"""
"""A gateway's interface records again what the interfaces behind it sent: it is not counted."""

_KNOWN = """
SELECT DISTINCT regexp_extract(u.resource, '^arn:[^:]*:s3:::([^/]+)', 1) AS bucket
FROM event AS e, unnest(e.resources) AS u(resource)
WHERE e.source IN ('cloudtrail', 's3_access')
  AND u.resource LIKE 'arn:%:s3:::%'
ORDER BY bucket
"""


_LASTS = "nothing in evidence takes it back"


@dataclass(frozen=True)
class Exfiltration(ActsAnswer):
    """The answer: what the intruder's hands did to objects and buckets, by CloudTrail and by access logs."""

    bucket: str | None = None

    @cached_property
    def changes(self) -> list[Deed]:
        """Changes of buckets by the intruder, refused ones too, in order of time."""
        return deeds(self.case, self.intrusion.calls, KINDS, refused=True) if self.intrusion.stolen else []

    @cached_property
    def totals(self) -> pd.DataFrame:
        """A row for each kind of act on objects: calls, objects, bytes read, times, buckets."""
        return object_acts.totals(self.intrusion).df()

    @cached_property
    def _lines(self) -> list[Statement]:
        return [*access_lines.statements(self.intrusion)] if self.intrusion.stolen else []

    @property
    def found(self) -> bool:
        """Whether an intruder did anything to objects or buckets."""
        return bool(self.intrusion.stolen and (len(self.totals) or self.changes or self._lines))

    @property
    def verdict(self) -> str:
        """How much was read, rewritten and deleted, from where, and what was changed; or that nothing was."""
        if not self.found:
            return self.nothing(f"call on objects of {self.bucket or 'any bucket'}", SOURCES, counted=False)
        said = [_total(row) for row in self.totals.to_dict("records")]
        done = [deed for deed in self.changes if deed.outcome == "success"]
        refused = [deed for deed in self.changes if deed.outcome != "success"]
        text = f"In an intruder's hands, from {listed(self.intrusion.addresses)}, with {listed(list(self.intrusion.keys), 5)}:"
        text += f" {'; '.join(said) or 'CloudTrail has no call on objects'}."
        if done:
            text += f" Changed: {listed([f'{deed.kind.what} of {deed.name}' for deed in done], 6)}."
        if refused:
            text += f" Tried in vain: {listed([f'{deed.kind.what} of {deed.name}' for deed in refused], 6)}."
        return text + self._reconciling()

    def _reconciling(self) -> str:
        rows = self.reconciled.df()
        calls, octets = int(rows["calls"].sum()), int(rows["bytes"].sum())
        entries, logged, same = (int(rows[name].sum()) for name in ("entries", "bytes_of_entries", "same_request"))
        if not entries:
            return " No access log of the buckets is in evidence to compare the reads with."
        return (
            f"\n\nReads by CloudTrail: {calls:,}, {size(octets)}; by the buckets' access logs: {entries:,}, {size(logged)};"
            f" {same:,} are the same request in both."
        )

    @property
    def reconciled(self) -> Query:
        """A row for each bucket, principal and address that read: calls and bytes by CloudTrail, by access logs, by flows."""
        sql = _RECONCILED.format(objects=object_acts.OBJECTS, lines=access_lines.LINES)
        return self.intrusion.calls.select(sql, list(self.intrusion.derived), self.intrusion.addresses)

    @property
    def objects(self) -> Query:
        """A row for each object: what was done to it, how many bytes were read, what may remain of it."""
        return object_acts.each(self.intrusion)

    @property
    def what_was_changed(self) -> pd.DataFrame:
        """A row for each change of a bucket: what it means, whether it succeeded, what took it back."""
        rows = [
            (deed.time, deed.thing, deed.kind.what, meaning(deed), deed.outcome, deed.address, deed.ended(_LASTS))
            for deed in self.changes
        ]
        return pd.DataFrame(rows, columns=["time", "bucket", "what", "means", "outcome", "from", "taken back"])

    def acts(self) -> Iterator[Statement]:
        """A statement for each kind of act on objects, each change of a bucket, and what access logs show."""
        yield from object_acts.statements(self.intrusion)
        for number, deed in enumerate(self.changes, 1):
            yield _change(f"bucket-{number:02d}", deed)
        yield from self._lines

    def open_questions(self) -> list[Gap]:
        """What stays open of objects taken and lost."""
        if not self.found:
            return []
        return [
            Gap(
                "Which earlier versions of the objects are still there",
                "calls name what was done, not what a bucket holds",
                "aws s3api list-object-versions; replicas, AWS Backup, Storage Lens",
            ),
            Gap(
                "What left by ways that these logs do not have",
                "presigned URLs, copies made in another account and reads of public objects name others, or nobody",
                "access logs of every bucket; CloudTrail of the other account; data events, if they were not on",
            ),
            Gap(
                "What flows show of it",
                "S3 answers callers outside over its own network: flows have only what passed through a VPC",
                "flows count where the credential was used from inside",
            ),
        ]

    def steps(self) -> list[Command]:
        """Take back what changed buckets, first what deletes by itself."""
        left = [deed for deed in self.changes if deed.outcome == "success" and deed.end is None]
        left.sort(key=lambda deed: deed.kind.what != "lifecycle")
        return [command for deed in left for command in restoring(deed)]


def investigate(case: Case, *, bucket: str | None = None, principal: str | None = None) -> Exfiltration:
    """Judge who called on objects and who changed buckets, of a bucket or a principal if one is given.

    What else the same hands did is followed in either case. Raises UnknownName, AmbiguousName.
    """
    known = [str(row[0]) for row in case.sql(_KNOWN).rows() if row[0]]
    if bucket and bucket not in known:
        raise UnknownName("bucket", bucket, known)
    calls, entries = Timeline(case).source("cloudtrail"), Timeline(case).source("s3_access")
    calls = calls.where(
        "(regexp_matches(action, '^s3:[A-Za-z]+Objects?') OR list_contains(CAST(? AS VARCHAR[]), action))",
        list(ACTIONS),
    )
    if bucket:
        calls, entries = (
            item.where("list_contains(resources, ?)", f"arn:aws:s3:::{bucket}") for item in (calls, entries)
        )
    if principal:
        key = find_principal(case, principal)
        calls, entries = (item.where("principal = ?", key) for item in (calls, entries))
    rows = [*calls.select(_SIGNS).rows(), *entries.select(_SIGNS_OF_LINES).rows()]
    found = hands(case, list(dict.fromkeys(str(row[0]) for row in rows)))
    return Exfiltration(case, found.intrusion, None, found, bucket)


def _total(row: dict[Any, Any]) -> str:
    buckets = sorted(str(name) for name in row["buckets"] if name)
    done = "rewritten under another key than the bucket's" if row["what"] == "rewritten" else row["what"]
    octets = f" ({size(row['bytes'])})" if row["bytes"] else ""
    return (
        f"{count(row['objects'], 'object')} of {listed(buckets, 5)} {done}{octets} {during(row['first'], row['last'])}"
    )


def _change(identifier: str, deed: Deed) -> Statement:
    tried = deed.outcome != "success"
    means = f"It failed; it would have meant: {meaning(deed)}" if tried else f"It means: {meaning(deed)}"
    return Statement(
        id=identifier,
        title=f"{'Tried in vain: ' if tried else ''}{deed.kind.what} of the bucket {deed.name}",
        statement=(
            f"At {at(deed.time)} {deed.principal or 'somebody not named'}, with the credential {deed.access_key_id} from"
            f" {deed.address or 'an address not recorded'}, called {deed.action} for {deed.name}. {means}."
            + ("" if tried else f" Since then: {deed.ended(_LASTS)}.")
        ),
        time=deed.time,
        certainty="recorded",
        technique=technique(deed.action),
        principal=deed.principal,
        resources=deed.resources,
        evidence=named([deed.event_id]),
    )
