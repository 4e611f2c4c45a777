"""Which workload a record belongs to: whose its credential is, whence it was used, who is at an end of it.

Every source is either in `PARTS`, once for each way in which its records answer a question, or in `UNATTRIBUTED`.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

import duckdb

from forensics import event, narrowing
from forensics.attribution import calls, flows, gateway, hosts, named, networks, places, requests
from forensics.attribution.part import Part
from forensics.workloads import eks

if TYPE_CHECKING:
    from forensics.case import Case, Query

PARTS = (
    *calls.PARTS,
    *gateway.PARTS,
    *flows.PARTS,
    *requests.PARTS,
    *named.PARTS,
    Part("eks_audit", "issued_to", eks.AUDIT_ISSUED),
    Part("vpc_flow", "endpoint", narrowing.NARROWED, ("flow_narrowed",)),
)
"""The view's SELECTs of `event_id, question, workload, certainty, via, candidates, evidence_event_ids, object_id, record`.

Where a record stands is stored, what its id is may be made of that: to look for places is to read no other record."""

UNATTRIBUTED = {
    "cloudtrail_aggregated": "counts of calls by many; a row names no single caller",
    "cloudtrail_digest": "signatures over log files",
    "cloudtrail_insight": "statistics of an account's calls",
    "cloudtrail_public_key": "keys that digests were signed with",
    "cloudwatch_log": "text of applications that no other source knows",
    "config_compliance": "judgements about resources, made by AWS Config",
    "config_item": "about the resource it describes: `event.resources`",
    "ecs_event": "about the task it names: `event.resources`",
    "eventbridge_event": "about the resource it names: `event.resources`",
    "inventory": "about the resource it describes: `event.resources`",
    "s3_object_head": "about the object it describes: `event.resources`",
}
"""Sources whose records no workload made, used or received, and why."""

_CITED = """
SELECT DISTINCT u.cited
FROM attribution AS a, unnest(a.evidence_event_ids) AS u(cited)
WHERE a.event_id = $event_id
ORDER BY u.cited
"""


def _explain() -> str:
    """The ids cited are bound, so that only where their events stand is read of the view."""
    return f"""
WITH place AS ({event.places("SELECT u.event_id FROM unnest($cited) AS u(event_id)")}
), reached AS (
  SELECT question, workload, certainty, via, candidates, evidence_event_ids
  FROM attribution
  WHERE event_id = $event_id
), cited AS (
  SELECT event_id, source, time, summary, object_id, record
  FROM event
  WHERE {event.at("place")}
    AND list_contains($cited, event_id)
)
SELECT r.question, r.workload, r.certainty, r.via, r.candidates,
  u.evidence_event_id, c.source, c.time, c.summary, c.object_id, c.record
FROM reached AS r, unnest(r.evidence_event_ids) AS u(evidence_event_id)
LEFT JOIN cited AS c ON c.event_id = u.evidence_event_id
ORDER BY r.question, r.workload, c.time, u.evidence_event_id
"""


_NOTHING = """
SELECT
  CAST(NULL AS VARCHAR) AS event_id, CAST(NULL AS VARCHAR) AS question, CAST(NULL AS VARCHAR) AS workload,
  CAST(NULL AS VARCHAR) AS certainty, CAST(NULL AS VARCHAR) AS via, CAST(NULL AS BIGINT) AS candidates,
  CAST(NULL AS VARCHAR[]) AS evidence_event_ids, CAST(NULL AS VARCHAR) AS object_id, CAST(NULL AS BIGINT) AS record
WHERE FALSE
"""


def create_view(con: duckdb.DuckDBPyConnection) -> None:
    """Make the view `attribution` of the parts whose tables hold anything: each part costs every query its planning."""
    needed = {table for item in PARTS for table in item.needs}
    filled = {table for table in needed if con.execute(f"SELECT 1 FROM {table} LIMIT 1").fetchall()}
    filled.update(event.filled(con))
    parts = [item.sql for item in PARTS if filled.issuperset((item.source, *item.needs))]
    con.execute("CREATE OR REPLACE VIEW attribution AS\n" + "\nUNION ALL\n".join([_NOTHING, *parts]))


def resolve(con: duckdb.DuckDBPyConnection) -> None:
    """Rebuild the stored parts of `attribution` from `lifetime`: who held each place, stretch by stretch; then the view."""
    for stage in (networks, places, hosts, flows, narrowing, calls, named, requests, gateway):
        stage.resolve(con)
    for table in ("home_network", "primary_address"):
        con.execute(f"DROP TABLE temp.{table}")
    create_view(con)


def explain(case: Case, event_id: str) -> Query:
    """Every attribution of an event, with one row per record that it rests on. Raises QueryError."""
    cited = [row[0] for row in case.sql(_CITED, {"event_id": event_id}).rows()]
    return case.sql(_explain(), {"event_id": event_id, "cited": cited})
