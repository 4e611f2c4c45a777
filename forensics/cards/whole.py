"""The card of a case: what evidence it holds, what did not load, what was found, and what to ask next."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, ClassVar

from forensics.analysis.words import at, capital, count, during, listed
from forensics.cards.card import Answer, Card, Part
from forensics.cards.tables import SHORT
from forensics.case import STALE, Case, Query
from forensics.detect.ran import told
from forensics.timeline import parse_time

if TYPE_CHECKING:
    from forensics.covered import Coverage

HIGH = 7.0
"""From here on a finding's severity is high (page "Severity levels of GuardDuty findings")."""

_EVIDENCE = """
SELECT v.source, v.objects, v.loaded, v.partial, v.pending, v.rejected, v.unrecognised, v.duplicate, v.records,
  v.rejected_records, c.accounts, c.regions, c.first_hour, c.last_hour
FROM (
  SELECT source, count(*) AS objects, count(*) FILTER (WHERE status = 'loaded') AS loaded,
    nullif(count(*) FILTER (WHERE status = 'partial'), 0) AS partial,
    nullif(count(*) FILTER (WHERE status = 'pending'), 0) AS pending,
    nullif(count(*) FILTER (WHERE status = 'rejected'), 0) AS rejected,
    nullif(count(*) FILTER (WHERE status = 'unrecognised'), 0) AS unrecognised,
    nullif(count(*) FILTER (WHERE status = 'duplicate'), 0) AS duplicate,
    CAST(coalesce(sum(records), 0) AS BIGINT) AS records,
    nullif(CAST(coalesce(sum(rejected), 0) AS BIGINT), 0) AS rejected_records
  FROM evidence
  GROUP BY source
) AS v
LEFT JOIN (
  SELECT source, count(DISTINCT account_id) AS accounts, count(DISTINCT region) AS regions, min(hour) AS first_hour,
    max(hour) + INTERVAL 1 HOUR AS last_hour
  FROM coverage
  WHERE records > 0
  GROUP BY source
) AS c ON c.source = v.source
ORDER BY v.records DESC, v.source
"""

_PLACES = """
SELECT array_agg(DISTINCT account_id ORDER BY account_id) AS accounts, array_agg(DISTINCT region ORDER BY region) AS regions
FROM (
  SELECT account_id, region FROM coverage WHERE records > 0
  UNION ALL
  SELECT account_id, region FROM evidence
) AS places
"""

_REJECTED = """
SELECT r.reason, count(*) AS records, count(DISTINCT r.object_id) AS objects, min(r.object_id) AS object_id
FROM rejected_record AS r
GROUP BY r.reason
ORDER BY records DESC, r.reason
"""

_NOT_LOADED = """
SELECT status, coalesce(reason, 'no reason recorded') AS reason, count(*) AS objects, min(object_id) AS object_id
FROM evidence
WHERE status IN ('rejected', 'unrecognised')
GROUP BY status, coalesce(reason, 'no reason recorded')
ORDER BY objects DESC, status, reason
"""

_FINDINGS = """
SELECT finding_id, source, severity, time, title, principal, access_key_id, workload
FROM finding
ORDER BY severity IS NULL, severity DESC, time, finding_id
"""

_BY_SOURCE = """
SELECT source, count(*) AS findings, count(*) FILTER (WHERE severity >= $high) AS high, max(severity) AS highest
FROM finding
GROUP BY source
ORDER BY findings DESC, source
"""

_OUTSIDE = """
SELECT access_key_id, workload, address, calls, first_used, last_used, CASE WHEN certainty = 'shared' THEN 'shared' ELSE 'inferred' END AS certainty, why
FROM credential_use
WHERE place = 'outside'
ORDER BY first_used, access_key_id, address, workload
"""

_KINDS = """
SELECT 'workload' AS what, kind, count(*) AS number FROM workload GROUP BY kind
UNION ALL
SELECT 'principal' AS what, kind, count(*) AS number FROM principal GROUP BY kind
UNION ALL
SELECT 'credential' AS what, coalesce(kind, 'not known') AS kind, count(*) AS number FROM credential GROUP BY kind
ORDER BY what, number DESC, kind
"""

_INFO = """
SELECT max(value) FILTER (WHERE key = 'created_at') AS created_at, bool_or(key = $stale) AS stale
FROM case_info
"""


@dataclass(frozen=True, repr=False)
class Whole(Card):
    """What a case holds. Everything is read from tables of objects, hours and findings; no log is scanned."""

    kind_of_card: ClassVar[str] = "case"
    asks: ClassVar[tuple[str, ...]] = ("api", "data", "traffic")

    @property
    def call(self) -> str:
        """The Python text that opens it; `case`, as other ready calls take it."""
        return f"Case.open({str(self.case.path)!r})"

    @property
    def heading(self) -> str:
        """Its directory."""
        return str(self.case.path)

    @property
    def evidence(self) -> Query:
        """Objects by source and status, their records, and the hours that those are of."""
        return self.case.sql(_EVIDENCE)

    @property
    def rejected(self) -> Query:
        """Why records did not load, with an object of each reason."""
        return self.case.sql(_REJECTED)

    @property
    def not_loaded(self) -> Query:
        """Why whole objects did not load, with one of each reason."""
        return self.case.sql(_NOT_LOADED)

    @property
    def findings(self) -> Query:
        """All findings, the most severe first."""
        return self.case.sql(_FINDINGS)

    @property
    def findings_by_source(self) -> Query:
        """How many findings each product, or the rules, made."""
        return self.case.sql(_BY_SOURCE, {"high": HIGH})

    @property
    def outside(self) -> Query:
        """Credentials of workloads that were used from elsewhere."""
        return self.case.sql(_OUTSIDE)

    @property
    def kinds(self) -> Query:
        """How many workloads, principals and credentials of each kind are known."""
        return self.case.sql(_KINDS)

    def coverage(self) -> Coverage | None:
        """What is logged of all its hours."""
        return self.case.coverage() if self.evidence.rows() else None

    def answers(self) -> tuple[Answer, ...]:
        """Evidence, what did not load, whether it is resolved, what was found; each under a word."""
        sources = self.evidence.df()
        if sources.empty:
            return (Answer("It holds no evidence yet: `forensics add` it, then `forensics load`.", "empty"),)
        return tuple(self._said(sources.fillna({"source": ""})))

    def _said(self, sources: Any) -> Iterator[Answer]:
        known = sources[sources["records"] > 0]
        hours = sources["first_hour"].min(), sources["last_hour"].max()
        span = f" {during(*hours)}, by the hour" if hours[0] == hours[0] else ""
        records = count(int(sources["records"].sum()), "record")
        yield from self._found()
        yield Answer(f"{records} of {count(len(known), 'source')}{span}.", "evidence")
        yield from self._lost(sources)
        yield self._resolved(int(sources["pending"].sum()))

    def _lost(self, sources: Any) -> Iterator[Answer]:
        seen = int(sources["objects"].sum())
        states = ("loaded", "partial", "rejected", "unrecognised", "duplicate", "pending")
        counted = [(state, int(sources[state].sum())) for state in states]
        said = " + ".join(f"{number:,} {state}" for state, number in counted if number)
        lost = int(sources["rejected_records"].sum())
        records = f"; {count(lost, 'record')} rejected" if lost else "; no record was rejected"
        yield Answer(f"{count(seen, 'object')} = {said or 'none'}{records}.", "objects")

    def _resolved(self, pending: int) -> Answer:
        stale = bool(self.case.sql(_INFO, {"stale": STALE}).rows()[0][1])
        if pending:
            return Answer(f"{count(pending, 'object')} not loaded yet: run `forensics load`.", "pending")
        if stale:
            return Answer("Who and what is out of date, evidence was loaded since: run `forensics load`.", "stale")
        return Answer("Who and what is resolved, of all that is loaded.", "resolved")

    def _found(self) -> Iterator[Answer]:
        rows = self.findings_by_source.rows()
        total, high = sum(row[1] for row in rows), sum(row[2] for row in rows)
        by = ", ".join(f"{row[1]:,} of {row[0]}" for row in rows)
        if outside := self.outside.rows():
            key, workload, address, *_ = outside[0]
            more = f"; {count(len(outside) - 1, 'more such use')}, below" if len(outside) > 1 else ""
            place = address or "an address not recorded"
            yield Answer(f"{key}, issued to {workload}, was used from {place}, outside of it{more}.", outside[0][6])
        said = f"{count(total, 'finding')}, {high:,} of high severity: {by}." if rows else "No finding is in evidence."
        yield Answer(said, "findings")
        yield Answer(f"{capital(told(self.case))}.", "rules")

    def facts(self) -> Mapping[str, Any]:
        """When it was made, whose accounts and which Regions its logs are of, and whether it can be written."""
        accounts, regions = self.case.sql(_PLACES).rows()[0]
        made = self.case.sql(_INFO, {"stale": STALE}).rows()[0][0]
        known: dict[str, list[str]] = {}
        for what, kind, number in self.kinds.rows():
            known.setdefault(f"{what}s", []).append(f"{number:,} {kind.replace('_', ' ')}")
        return {
            "made": made and at(parse_time(made)),
            "open": "for reading" if self.case.read_only else "for writing",
            "accounts": _listed(accounts),
            "Regions": _listed(regions),
            **{what: ", ".join(kinds) for what, kinds in known.items()},
        }

    def parts(self) -> tuple[Part, ...]:
        """Evidence, what did not load, findings, stolen credentials, who and what is known."""
        states = ("objects", "loaded", "partial", "pending", "rejected", "unrecognised", "duplicate", "records")
        source = {"source": "source"} | {state: state for state in states}
        source |= {"rejected_records": "records rejected", "accounts": "accounts", "regions": "Regions"}
        source |= {"first_hour": "first hour", "last_hour": "last hour"}
        lost = {"reason": "reason", "records": "records", "objects": "objects", "object_id": "for example"}
        whole = {"status": "status", "reason": "reason", "objects": "objects", "object_id": "for example"}
        finding = {"severity": "severity", "time": "time", "source": "source", "title": "title"}
        finding |= {"finding_id": "finding", "access_key_id": "access key"}
        use = {"access_key_id": "access key", "workload": "workload", "address": "address", "calls": "calls"}
        use |= {"first_used": "first", "last_used": "last", "certainty": "certainty", "why": "why"}
        return (
            Part("Findings, the most severe first", self.findings, finding),
            Part("Credentials of workloads, used from elsewhere", self.outside, use),
            Part("Evidence by source", self.evidence, source, limit=30),
            Part("Objects that did not load", self.not_loaded, whole),
            Part("Records that did not load", self.rejected, lost),
        )

    def leads(self) -> tuple[str, ...]:
        """The gravest findings, stolen credentials, the timeline, coverage."""
        findings = [f"case.finding({row[0]!r})" for row in self.findings.rows()[:2]]
        stolen = [f"case.credential({row[0]!r})" for row in self.outside.rows()[:2]]
        explorer = ["case.explore()"] if hasattr(self.case, "explore") else []
        some = ["Timeline(case)", "case.coverage()"] if self.evidence.rows() else []
        return tuple(dict.fromkeys([*findings, *stolen, *(explorer if some else []), *some]))


def _listed(names: list[str | None] | None) -> str | None:
    return listed([name for name in names or [] if name], SHORT) or None


def whole(case: Case) -> Whole:
    """The card of the case."""
    return Whole(case, case.sql(_EVIDENCE))
