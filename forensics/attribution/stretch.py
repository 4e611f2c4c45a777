"""Time of a place cut into stretches, in each of which the same workloads held it and are as certain."""

import duckdb

from forensics import padding
from forensics.each import each

LONG_AGO = "TIMESTAMP '0001-01-01'"
FAR_AHEAD = "TIMESTAMP '9999-12-31'"
"""Bounds of what has no known beginning or end, so that interval conditions need no NULL."""

CALL_PADDING = padding.CALL
"""Seconds by which a CloudTrail time may be off."""

CERTAINTY = """CASE
    WHEN h.certainty = 'inferred' THEN 'inferred'
    WHEN h.from_known AND h.to_known THEN 'matched'
    ELSE 'bounded'
  END"""
"""How certain it is that a row of `lifetime` (alias `h`) held its place throughout."""

INTERVAL = f"""coalesce(h.valid_from, {LONG_AGO}) AS valid_from, coalesce(h.valid_to, {FAR_AHEAD}) AS valid_to,
  h.evidence_event_ids"""
"""From when to when a row of `lifetime` (alias `h`) lasts, and the records that say so."""

_MOMENTS = "list_sort(list_distinct([b.outer_from, b.inner_from, b.inner_to, b.outer_to]))"
_BETWEEN = each("alone AS b", "range(1, len(b.moments))", "number")

_STRENGTH = """CASE
      WHEN b.certainty = 'matched' AND b.inner_from <= s.valid_from AND s.valid_to <= b.inner_to THEN 1
      WHEN b.certainty IN ('matched', 'bounded') THEN 2
      ELSE 3
    END"""

_STRETCH = f"""
CREATE OR REPLACE TEMP TABLE place_stretch AS
WITH bound AS (
  SELECT place, network, workload, host, certainty, via, evidence_event_ids,
    valid_from - to_seconds({{padding}}) AS outer_from,
    valid_from + to_seconds({{padding}}) AS inner_from,
    CASE WHEN valid_to < {FAR_AHEAD} THEN valid_to - to_seconds({{padding}}) ELSE valid_to END AS inner_to,
    CASE WHEN valid_to < {FAR_AHEAD} THEN valid_to + to_seconds({{padding}}) ELSE valid_to END AS outer_to
  FROM ({{holders}}) AS h
  WHERE place IS NOT NULL
    AND network IS NOT NULL
), counted_place AS (
  SELECT place, network, count(*) AS holders
  FROM bound
  GROUP BY place, network
), alone AS (
  SELECT b.*, {_MOMENTS} AS moments
  FROM bound AS b
  JOIN counted_place AS n ON n.place = b.place AND n.network = b.network AND n.holders = 1
), rival AS (
  SELECT b.*
  FROM bound AS b
  JOIN counted_place AS n ON n.place = b.place AND n.network = b.network AND n.holders > 1
), cut AS (
  SELECT place, network, outer_from AS moment FROM rival
  UNION
  SELECT place, network, inner_from AS moment FROM rival
  UNION
  SELECT place, network, inner_to AS moment FROM rival
  UNION
  SELECT place, network, outer_to AS moment FROM rival
), stretch AS (
  SELECT place, network, moment AS valid_from, lead(moment) OVER (PARTITION BY place, network
    ORDER BY moment) AS valid_to
  FROM cut
), covered AS (
  SELECT s.place, s.network, s.valid_from, s.valid_to, b.workload, b.host, b.via, b.evidence_event_ids,
    {_STRENGTH} AS strength
  FROM stretch AS s
  JOIN rival AS b ON b.place = s.place
    AND b.network = s.network
    AND b.outer_from <= s.valid_from
    AND s.valid_to <= b.outer_to
), candidate AS (
  SELECT place, network, valid_from, valid_to, workload, min(host) AS host, min(strength) AS strength, min(via) AS via,
    arg_min(evidence_event_ids, (strength, evidence_event_ids)) AS evidence_event_ids
  FROM covered
  GROUP BY place, network, valid_from, valid_to, workload
), hosted AS (
  SELECT DISTINCT place, network, valid_from, host
  FROM candidate
  WHERE host IS NOT NULL
), counted AS (
  SELECT c.*, count(*) OVER (PARTITION BY c.place, c.network, c.valid_from) AS candidates
  FROM candidate AS c
  LEFT JOIN hosted AS o ON o.place = c.place
    AND o.network = c.network
    AND o.valid_from = c.valid_from
    AND o.host = c.workload
  WHERE o.host IS NULL
  UNION ALL
  SELECT b.place, b.network, s.valid_from, s.valid_to, b.workload, b.host, {_STRENGTH} AS strength, b.via,
    b.evidence_event_ids, 1 AS candidates
  FROM (
    SELECT b.*, {{{{'valid_from': b.moments[b.number], 'valid_to': b.moments[b.number + 1]}}}} AS s
    FROM {_BETWEEN} AS b
  ) AS b
  WHERE b.outer_from <= s.valid_from
    AND s.valid_to <= b.outer_to
    AND b.host IS DISTINCT FROM b.workload
)
SELECT place, network, valid_from, valid_to, workload, host,
  CASE WHEN candidates > 1 THEN 'shared' WHEN strength = 1 THEN 'matched' WHEN strength = 2 THEN 'bounded'
    ELSE 'inferred' END AS certainty,
  via, candidates, evidence_event_ids
FROM counted
"""
"""Cuts the time of each place where a holder comes or goes, padded outwards, or becomes sure, padded inwards.

A host's interface or address that a task or pod on it held then was the task's or pod's: the host is no rival. Most
places had one holder only, and need no more than its bounds in order."""


def cut(con: duckdb.DuckDBPyConnection, holders: str, seconds: int) -> None:
    """Make the temporary table `place_stretch` of a SELECT of holders.

    Its columns: `place, network, workload, host, certainty, via, valid_from, valid_to, evidence_event_ids`; `host` is
    the instance a task or pod runs on.
    """
    off = padding.of_holder("workload", seconds)
    con.execute(_STRETCH.format(holders=holders, padding=off))
