"""One session or key in two places at once, or sooner in the second than anybody can travel."""

from forensics.behaviour.behaviour import Behaviour
from forensics.behaviour.fragments import AGENT, CALL, OWN_CALL, constants, number, reasons, span

_DISTANCE = """2 * 6371 * asin(least(1, sqrt(
      power(sin(radians(t.latitude - f.latitude) / 2), 2)
      + cos(radians(f.latitude)) * cos(radians(t.latitude)) * power(sin(radians(t.longitude - f.longitude) / 2), 2))))"""
"""Kilometres along the earth between two places."""

_QUICKEST = f"""CASE WHEN f.quickest < 120 THEN f.quickest || ' seconds'
      ELSE {number("f.quickest / 60.0", 0)} || ' minutes' END"""

_SQL = f"""
WITH {CALL}, {AGENT}, stay AS (
  SELECT CASE WHEN e.session IS NULL THEN e.access_key_id ELSE e.session END AS who, e.source_ip
  FROM event AS e
  WHERE {OWN_CALL}
  GROUP BY CASE WHEN e.session IS NULL THEN e.access_key_id ELSE e.session END, e.source_ip
), mover AS (
  SELECT s.who
  FROM stay AS s
  GROUP BY s.who
  HAVING count(*) > 1
), used AS (
  SELECT c.event_id, c.time, c.principal, c.access_key_id, c.address, a.client, m.who
  FROM call AS c
  JOIN mover AS m ON m.who = CASE WHEN c.session IS NULL THEN c.access_key_id ELSE c.session END
  LEFT JOIN agent AS a ON a.user_agent IS NOT DISTINCT FROM c.user_agent
  WHERE NOT EXISTS (SELECT 1 FROM credential_use AS w WHERE w.access_key_id = c.access_key_id)
), followed AS (
  SELECT u.event_id, u.time, u.principal, u.access_key_id, u.address, u.client, u.who,
    lag(u.address) OVER next AS last_address, lag(u.client) OVER next AS last_client, lag(u.time) OVER next AS last_time,
    lag(u.event_id) OVER next AS last_event_id
  FROM used AS u
  WINDOW next AS (PARTITION BY u.who ORDER BY u.time, u.event_id)
), moved AS (
  SELECT m.event_id, m.time, m.principal, m.access_key_id, m.address, m.client, m.who, m.last_address, m.last_client,
    m.last_time, m.last_event_id
  FROM followed AS m
  WHERE m.last_address <> m.address
    AND (m.last_address LIKE '%:%') = (m.address LIKE '%:%')
), travelled AS (
  SELECT m.event_id, m.time, m.principal, m.access_key_id, m.who, m.last_address, m.address, m.last_time, m.last_event_id,
    f.place AS last_place, t.place AS place, {_DISTANCE} AS km
  FROM moved AS m
  JOIN known_place AS f ON f.address = m.last_address
  JOIN known_place AS t ON t.address = m.address
  WHERE NOT f.of_aws
    AND NOT t.of_aws
), too_fast AS (
  SELECT t.event_id, t.time, t.principal, t.access_key_id, t.who, t.last_address, t.address, t.last_time, t.last_event_id,
    t.last_place, t.place, t.km
  FROM travelled AS t
  WHERE t.km >= $least_km
    AND t.km > $km_an_hour * (date_diff('second', t.last_time, t.time) + 60) / 3600.0
), flown AS (
  SELECT t.who, min(t.principal) AS principal, CASE WHEN count(DISTINCT t.access_key_id) = 1 THEN min(t.access_key_id) END AS key,
    min(t.last_time) AS first, max(t.time) AS last, count(*) AS journeys, max(t.km) AS km,
    min(date_diff('second', t.last_time, t.time)) AS quickest,
    arg_min(t.last_place, (t.time, t.event_id)) AS last_place, arg_min(t.place, (t.time, t.event_id)) AS place,
    arg_min(t.last_address, (t.time, t.event_id)) AS last_address, arg_min(t.address, (t.time, t.event_id)) AS address,
    array_agg(t.event_id ORDER BY t.time, t.event_id) AS ids
  FROM too_fast AS t
  GROUP BY t.who
), swapped AS (
  SELECT m.who, m.principal, m.access_key_id, m.event_id, m.time, m.address, m.client, m.last_address, m.last_client, m.last_time,
    CASE WHEN date_diff('second', lag(m.time) OVER (PARTITION BY m.who ORDER BY m.time, m.event_id), m.time)
      <= 60 * $within_minutes THEN 0 ELSE 1 END AS starts
  FROM moved AS m
  WHERE m.client <> m.last_client
    AND date_diff('second', m.last_time, m.time) <= 60 * $within_minutes
), numbered AS (
  SELECT s.who, s.principal, s.access_key_id, s.event_id, s.time, s.address, s.client, s.last_address, s.last_client, s.last_time,
    sum(s.starts) OVER (PARTITION BY s.who ORDER BY s.time, s.event_id) AS burst
  FROM swapped AS s
), at_once AS (
  SELECT n.who, n.burst, min(n.principal) AS principal,
    CASE WHEN count(DISTINCT n.access_key_id) = 1 THEN min(n.access_key_id) END AS key, min(n.last_time) AS first,
    max(n.time) AS last, count(*) AS changes, arg_min(n.last_address, (n.time, n.event_id)) AS last_address,
    arg_min(n.address, (n.time, n.event_id)) AS address, arg_min(n.last_client, (n.time, n.event_id)) AS last_client, arg_min(n.client, (n.time, n.event_id)) AS client,
    array_agg(n.event_id ORDER BY n.time, n.event_id) AS ids
  FROM numbered AS n
  WHERE NOT EXISTS (SELECT 1 FROM flown AS f WHERE f.who = n.who)
  GROUP BY n.who, n.burst
  HAVING count(*) >= $changes
), stolen AS (
  SELECT o.access_key_id, min(o.workload) AS workload, o.address, min(o.calls) AS calls, min(o.first_used) AS first,
    max(o.last_used) AS last, min(o.why) AS why, min(o.first_event_id) AS first_event_id, min(o.finding_id) AS finding_id,
    max(i.last_used) AS inside_until, count(i.first_event_id) AS inside
  FROM credential_use AS o
  LEFT JOIN credential_use AS i ON i.access_key_id = o.access_key_id AND i.workload = o.workload AND i.place = 'inside'
  WHERE o.place = 'outside'
    AND o.certainty <> 'shared'
  GROUP BY o.access_key_id, o.address
), reasoned AS (
  SELECT r.access_key_id, r.address, min(r.reason) AS reason, max(r.reason) AS further
  FROM credential_use_reason AS r
  WHERE r.speaks = 'for'
  GROUP BY r.access_key_id, r.address
)
SELECT f.first AS time, f.last AS end_time, f.principal, f.key AS access_key_id, CAST(NULL AS VARCHAR) AS workload,
  CAST(NULL AS VARCHAR[]) AS resources, CAST(least(8, 6 + CASE WHEN f.journeys > 1 THEN 1 ELSE 0 END) AS DOUBLE) AS severity,
  'in ' || f.last_place || ' and ' || {_QUICKEST} || ' later in ' || f.place AS title,
  {
    reasons(
        number("f.km", 0)
        + " || ' km between ' || f.last_place || ' (' || f.last_address || ') and ' || f.place || ' (' ||"
        " f.address || ')'",
        "f.journeys || CASE WHEN f.journeys = 1 THEN ' journey' ELSE ' journeys' END || ' faster than ' || "
        + number("$km_an_hour", 0)
        + " || ' km/h, the quickest in ' || "
        + _QUICKEST,
    )
} AS reasons, f.ids AS evidence_event_ids, f.journeys AS evidence_count
FROM flown AS f
UNION ALL
SELECT a.first AS time, a.last AS end_time, a.principal, a.key AS access_key_id, CAST(NULL AS VARCHAR) AS workload,
  CAST(NULL AS VARCHAR[]) AS resources, CAST(5 + CASE WHEN a.changes >= 2 * $changes THEN 1 ELSE 0 END AS DOUBLE) AS severity,
  'used from ' || a.last_address || ' and ' || a.address || ' in turn, with different clients' AS title,
  {
    reasons(
        "a.changes || ' changes of address and client within ' || " + span("a.first", "a.last"),
        "a.last_client || ' from ' || a.last_address || ', ' || a.client || ' from ' || a.address",
    )
} AS reasons, a.ids AS evidence_event_ids, a.changes AS evidence_count
FROM at_once AS a
UNION ALL
SELECT s.first AS time, s.last AS end_time, CAST(NULL AS VARCHAR) AS principal, s.access_key_id, s.workload,
  CAST(NULL AS VARCHAR[]) AS resources,
  CAST(6 + CASE WHEN s.inside > 0 AND s.inside_until >= s.first THEN 1 ELSE 0 END + CASE WHEN s.finding_id IS NOT NULL THEN 1 ELSE 0 END
    AS DOUBLE) AS severity,
  'a workload''s credential used from ' || coalesce(s.address, 'elsewhere') AS title,
  {
    reasons(
        "s.calls || ' calls from ' || coalesce(s.address, 'elsewhere') || ': ' || s.why",
        "CASE WHEN s.inside > 0 AND s.inside_until >= s.first THEN 'used inside its workload too, until after the first use outside' END",
        "CASE WHEN r.reason <> s.why THEN r.reason END",
        "CASE WHEN r.further <> r.reason AND r.further <> s.why THEN r.further END",
        "CASE WHEN s.finding_id IS NOT NULL THEN 'a finding says so: ' || s.finding_id END",
    )
} AS reasons, CASE WHEN s.finding_id IS NULL THEN ARRAY[s.first_event_id] ELSE ARRAY[s.first_event_id, s.finding_id] END AS evidence_event_ids,
  s.calls AS evidence_count
FROM stolen AS s
LEFT JOIN reasoned AS r ON r.access_key_id = s.access_key_id AND r.address IS NOT DISTINCT FROM s.address
ORDER BY 1, 4
"""

BEHAVIOUR = Behaviour(
    name="impossible-place",
    question="Was one session or key in two places that nobody can be in at once?",
    sources=("cloudtrail",),
    sql=_SQL,
    constants=constants(
        ("least_km", 500, "MaxMind places most addresses within 50 km, some a country wrong"),
        ("km_an_hour", 1000, "faster than an airliner, from call to call"),
        ("within_minutes", 30, "two people with one key work at the same time; one person moves once"),
        ("changes", 3, "one change is a journey, two a look from the phone"),
    ),
    severity="journeys 6, several 7; in turn 5, often 6; of a workload's credential 6, 1 more while used inside and for a finding",
    false_positives=(
        "A VPN or a proxy that is switched on and off; a phone beside a computer.",
        "One long-term key shared by several people or machines, which is a weakness of its own.",
        "Addresses that the given files place wrongly. Addresses of AWS's ranges are left out where ip-ranges.json is given.",
    ),
    technique="T1078.004",
    playbook="credential-theft",
)
