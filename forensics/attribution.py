"""Which workload a record belongs to: whose its credential is, whence it was used, who is at a flow's end."""

from __future__ import annotations

from typing import TYPE_CHECKING

import duckdb

from forensics.holding import FLOW_PADDING
from forensics.sources.cloudtrail import EVENT as CALL
from forensics.workloads import eks

if TYPE_CHECKING:
    from forensics.case import Case, Query

CALL_PADDING = 2
"""Seconds by which a CloudTrail time may be off: whole seconds, set when the call completed."""

LONG_AGO = "TIMESTAMP '0001-01-01'"
FAR_AHEAD = "TIMESTAMP '9999-12-31'"
"""Bounds of what has no known beginning or end, so that interval conditions need no NULL."""

_CALL_ID = CALL.columns["event_id"]

_CURRENT = """NOT EXISTS (
  SELECT 1 FROM superseded AS x
  WHERE x.source = 'cloudtrail' AND x.copy_object_id = s.object_id AND x.copy_record = s.record)"""

_BASE = """CASE
    WHEN h.certainty = 'inferred' THEN 'inferred'
    WHEN h.from_known AND h.to_known THEN 'matched'
    ELSE 'bounded'
  END"""

_FLOW_HOLDER = f"""
CREATE OR REPLACE TEMP TABLE place_holder AS
SELECT h.holds AS place, '' AS network, h.workload, {_BASE} AS certainty, 'interface' AS via,
  coalesce(h.valid_from, {LONG_AGO}) AS valid_from, coalesce(h.valid_to, {FAR_AHEAD}) AS valid_to,
    h.evidence_event_ids
FROM lifetime AS h
WHERE h.holds_kind = 'eni'
"""

_ENDPOINT_NETWORK = """
CREATE OR REPLACE TEMP TABLE endpoint_network AS
WITH used AS (
  SELECT source_ip_address AS address, vpc_endpoint_id,
    min(coalesce(vpc_endpoint_account_id, recipient_account_id)) AS account_id, min(aws_region) AS region
  FROM cloudtrail
  WHERE vpc_endpoint_id <> ''
  GROUP BY source_ip_address, vpc_endpoint_id
), made AS (
  SELECT coalesce(s.response_elements->'$.CreateVpcEndpointResponse.vpcEndpoint',
    s.response_elements->'$.vpcEndpoint') AS card
  FROM cloudtrail AS s
  WHERE s.event_source = 'ec2.amazonaws.com'
    AND s.event_name = 'CreateVpcEndpoint'
    AND coalesce(s.error_code, '') = ''
), known AS (
  SELECT card->>'$.vpcEndpointId' AS vpc_endpoint_id, min(card->>'$.vpcId') AS vpc_id
  FROM made
  GROUP BY card->>'$.vpcEndpointId'
)
SELECT u.address, u.vpc_endpoint_id, u.account_id, u.region, k.vpc_id
FROM used AS u
LEFT JOIN known AS k ON k.vpc_endpoint_id = u.vpc_endpoint_id
"""

_CALL_HOLDER = f"""
CREATE OR REPLACE TEMP TABLE place_holder AS
SELECT h.holds AS place, '' AS network, h.workload, {_BASE} AS certainty, 'public address' AS via,
  coalesce(h.valid_from, {LONG_AGO}) AS valid_from, coalesce(h.valid_to, {FAR_AHEAD}) AS valid_to,
    h.evidence_event_ids
FROM lifetime AS h
WHERE h.holds_kind = 'public_ip'
UNION ALL
SELECT DISTINCT h.holds AS place, e.vpc_endpoint_id AS network, h.workload,
  CASE WHEN e.vpc_id IS NULL OR n.vpc_id IS NULL THEN 'inferred' ELSE {_BASE} END AS certainty,
  'private address through a VPC endpoint' AS via,
  coalesce(h.valid_from, {LONG_AGO}) AS valid_from, coalesce(h.valid_to, {FAR_AHEAD}) AS valid_to,
    h.evidence_event_ids
FROM lifetime AS h
JOIN endpoint_network AS e ON e.address = h.holds
JOIN workload AS w ON w.workload = h.workload
LEFT JOIN address_network AS n ON n.workload = h.workload AND n.address = h.holds
WHERE h.holds_kind = 'private_ip'
  AND (e.vpc_id = n.vpc_id
    OR (e.vpc_id IS NULL OR n.vpc_id IS NULL) AND w.account_id = e.account_id AND w.region = e.region)
"""

_STRETCH = """
CREATE OR REPLACE TEMP TABLE place_stretch AS
WITH bound AS (
  SELECT place, network, workload, certainty, via, evidence_event_ids,
    valid_from - to_seconds({padding}) AS outer_from,
    valid_from + to_seconds({padding}) AS inner_from,
    CASE WHEN valid_to < {far} THEN valid_to - to_seconds({padding}) ELSE valid_to END AS inner_to,
    CASE WHEN valid_to < {far} THEN valid_to + to_seconds({padding}) ELSE valid_to END AS outer_to
  FROM place_holder
), cut AS (
  SELECT place, network, outer_from AS moment FROM bound
  UNION
  SELECT place, network, inner_from AS moment FROM bound
  UNION
  SELECT place, network, inner_to AS moment FROM bound
  UNION
  SELECT place, network, outer_to AS moment FROM bound
), stretch AS (
  SELECT place, network, moment AS valid_from, lead(moment) OVER (PARTITION BY place, network
    ORDER BY moment) AS valid_to
  FROM cut
), covered AS (
  SELECT s.place, s.network, s.valid_from, s.valid_to, b.workload, b.via, b.evidence_event_ids,
    CASE
      WHEN b.certainty = 'matched' AND b.inner_from <= s.valid_from AND s.valid_to <= b.inner_to THEN 1
      WHEN b.certainty IN ('matched', 'bounded') THEN 2
      ELSE 3
    END AS strength
  FROM stretch AS s
  JOIN bound AS b ON b.place = s.place
    AND b.network = s.network
    AND b.outer_from <= s.valid_from
    AND s.valid_to <= b.outer_to
), candidate AS (
  SELECT place, network, valid_from, valid_to, workload, min(strength) AS strength, min(via) AS via,
    arg_min(evidence_event_ids, (strength, evidence_event_ids)) AS evidence_event_ids
  FROM covered
  GROUP BY place, network, valid_from, valid_to, workload
), counted AS (
  SELECT *, count(*) OVER (PARTITION BY place, network, valid_from) AS candidates
  FROM candidate
)
SELECT place, network, valid_from, valid_to, workload,
  CASE WHEN candidates > 1 THEN 'shared' WHEN strength = 1 THEN 'matched' WHEN strength = 2 THEN 'bounded'
    ELSE 'inferred' END AS certainty,
  via, candidates, evidence_event_ids
FROM counted
"""
"""Cuts the time of each place where a holder comes or goes, padded outwards, or becomes sure,
  padded inwards."""

_CALL_PLACE = """
INSERT INTO call_place
SELECT place AS source_ip, network AS vpc_endpoint_id, valid_from, valid_to, workload, certainty, via,
  candidates,
  evidence_event_ids
FROM place_stretch
ORDER BY place, network, valid_from, workload
"""

_FLOW_PLACE = """
INSERT INTO flow_place
SELECT place AS interface_id, valid_from, valid_to, workload, certainty, candidates, evidence_event_ids
FROM place_stretch
ORDER BY place, valid_from, workload
"""

_FLOW_CROSSING = """
INSERT INTO flow_crossing
WITH crossing AS (
  SELECT s.object_id || '/' || s.record AS event_id, p.workload,
    CASE p.certainty WHEN 'inferred' THEN 3 ELSE 2 END AS strength, p.evidence_event_ids
  FROM vpc_flow AS s
  JOIN flow_place AS p ON p.interface_id = s.interface_id
    AND s.start < p.valid_to
    AND p.valid_from <= coalesce(s."end", s.start)
  WHERE s.instance_id IS NULL
    AND (s.start < p.valid_from OR p.valid_to <= coalesce(s."end", s.start))
), candidate AS (
  SELECT event_id, workload, max(strength) AS strength,
    arg_min(evidence_event_ids, (strength, evidence_event_ids)) AS evidence_event_ids
  FROM crossing
  GROUP BY event_id, workload
), counted AS (
  SELECT *, count(*) OVER (PARTITION BY event_id) AS candidates
  FROM candidate
)
SELECT event_id, workload,
  CASE WHEN candidates > 1 THEN 'shared' WHEN strength = 2 THEN 'bounded' ELSE 'inferred' END AS certainty,
  candidates, evidence_event_ids
FROM counted
ORDER BY event_id, workload
"""

_ISSUED_TO = f"""
SELECT
  {_CALL_ID} AS event_id, 'issued_to' AS question, c.workload AS workload, c.certainty AS certainty,
  'access key: ' || c.via AS via, c.candidates AS candidates, c.evidence_event_ids AS evidence_event_ids
FROM cloudtrail AS s
JOIN credential_workload AS c ON c.access_key_id = s.user_identity_access_key_id
WHERE coalesce(s.user_identity_invoked_by, '') = ''
  AND {_CURRENT}
"""

_USED_FROM = f"""
SELECT
  {_CALL_ID} AS event_id, 'used_from' AS question, p.workload AS workload, p.certainty AS certainty,
  p.via AS via, p.candidates AS candidates, p.evidence_event_ids AS evidence_event_ids
FROM cloudtrail AS s
JOIN call_place AS p ON p.source_ip = s.source_ip_address
  AND p.vpc_endpoint_id = coalesce(s.vpc_endpoint_id, '')
  AND p.valid_from <= s.event_time
  AND s.event_time < p.valid_to
WHERE {_CURRENT}
"""

_ENDPOINT_RECORDED = """
SELECT
  s.object_id || '/' || s.record AS event_id, 'endpoint' AS question, i.workload AS workload,
  'recorded' AS certainty, 'instance id of the record' AS via, CAST(1 AS BIGINT) AS candidates,
  [s.object_id || '/' || s.record] AS evidence_event_ids
FROM vpc_flow AS s
JOIN instance_key AS i ON i.instance_id = s.instance_id
"""

_ENDPOINT_HELD = """
SELECT
  s.object_id || '/' || s.record AS event_id, 'endpoint' AS question, p.workload AS workload,
  p.certainty AS certainty, 'interface' AS via, p.candidates AS candidates,
    p.evidence_event_ids AS evidence_event_ids
FROM vpc_flow AS s
JOIN flow_place AS p ON p.interface_id = s.interface_id
  AND p.valid_from <= s.start
  AND coalesce(s."end", s.start) < p.valid_to
WHERE s.instance_id IS NULL
"""

_ENDPOINT_CROSSING = """
SELECT
  event_id, 'endpoint' AS question, workload, certainty, 'interface' AS via, candidates, evidence_event_ids
FROM flow_crossing
"""

PARTS = (_ISSUED_TO, _USED_FROM, _ENDPOINT_RECORDED, _ENDPOINT_HELD, _ENDPOINT_CROSSING, eks.AUDIT_ISSUED)
"""The view's SELECTs of `event_id, question, workload, certainty, via, candidates, evidence_event_ids`."""

_CITED = """
SELECT DISTINCT u.cited
FROM attribution AS a, unnest(a.evidence_event_ids) AS u(cited)
WHERE a.event_id = $event_id
ORDER BY u.cited
"""

_EXPLAIN = """
WITH reached AS (
  SELECT question, workload, certainty, via, candidates, evidence_event_ids
  FROM attribution
  WHERE event_id = $event_id
), cited AS (
  SELECT event_id, source, time, summary, object_id, record
  FROM event
  WHERE list_contains($cited, event_id)
)
SELECT r.question, r.workload, r.certainty, r.via, r.candidates,
  u.evidence_event_id, c.source, c.time, c.summary, c.object_id, c.record
FROM reached AS r, unnest(r.evidence_event_ids) AS u(evidence_event_id)
LEFT JOIN cited AS c ON c.event_id = u.evidence_event_id
ORDER BY r.question, r.workload, c.time, u.evidence_event_id
"""
"""The ids cited are bound, not joined, so that only their events are read out of the view."""


def create_view(con: duckdb.DuckDBPyConnection) -> None:
    """Make the view `attribution` over the stored parts and the source tables."""
    con.execute("CREATE OR REPLACE VIEW attribution AS\n" + "\nUNION ALL\n".join(PARTS))


def resolve(con: duckdb.DuckDBPyConnection) -> None:
    """Rebuild the stored parts of `attribution` from `lifetime`: who held each place, stretch by stretch."""
    for table in ("call_place", "flow_place", "flow_crossing"):
        con.execute(f"DELETE FROM {table}")
    con.execute(_ENDPOINT_NETWORK)
    for holders, padding, insert in (
        (_CALL_HOLDER, CALL_PADDING, _CALL_PLACE),
        (_FLOW_HOLDER, FLOW_PADDING, _FLOW_PLACE),
    ):
        con.execute(holders)
        con.execute(_STRETCH.format(padding=padding, far=FAR_AHEAD))
        con.execute(insert)
    con.execute(_FLOW_CROSSING)
    for table in ("endpoint_network", "place_holder", "place_stretch"):
        con.execute(f"DROP TABLE temp.{table}")


def explain(case: Case, event_id: str) -> Query:
    """Every attribution of an event, with one row per record that it rests on. Raises QueryError."""
    cited = [row[0] for row in case.sql(_CITED, {"event_id": event_id}).rows()]
    return case.sql(_EXPLAIN, {"event_id": event_id, "cited": cited})
