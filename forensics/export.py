"""The fixed statements of the command line: what of a timeline, and of the coverage, is written out."""

_HITS = """
  SELECT e.event_id, array_agg(DISTINCT coalesce(f.title, f.type, f.finding_id) ORDER BY coalesce(f.title, f.type, f.finding_id)) AS titles
  FROM finding_evidence AS e
  JOIN finding AS f ON f.finding_id = e.finding_id
  WHERE f.source IN ('sigma', 'behaviour', 'tampering')
  GROUP BY e.event_id"""
"""What rules and behaviours say of each event that they cite: their findings are no events themselves."""

SHORT = f"""
SELECT t.time, t.source, t.action, t.principal, t.source_ip, t.outcome, array_to_string(h.titles, '; ') AS hits, t.resources, t.event_id
FROM timeline AS t
LEFT JOIN ({_HITS}
) AS h ON h.event_id = t.event_id
ORDER BY t.time, t.event_id
"""
"""What of a timeline fits a terminal, and what rules and behaviours say of it; all other formats have every column."""

TIMESKETCH = f"""
SELECT
  coalesce(summary, action, source) AS message,
  strftime(time, '%Y-%m-%dT%H:%M:%S.%f+00:00') AS datetime,
  CASE WHEN end_time IS NULL THEN 'Event Logged' ELSE 'Start Time' END AS timestamp_desc,
  t.event_id, source, end_time, account_id, region, principal, session, access_key_id, action, resources,
  source_ip, destination_ip, outcome, severity, bytes, user_agent, object_id, record, h.titles AS tag
FROM timeline AS t
LEFT JOIN ({_HITS}
) AS h ON h.event_id = t.event_id
WHERE time IS NOT NULL
ORDER BY time, t.event_id
"""
"""The three columns Timesketch asks for ("Create timeline from JSON/JSONL/CSV file"), then ours; rules and behaviours as tags."""

UNTIMED = "SELECT count(*) AS events FROM timeline WHERE time IS NULL"

COVERAGE = """
SELECT source, account_id, region, status,
  min(hour) AS "from",
  max(hour) + INTERVAL 1 HOUR AS "to",
  count(*) AS hours,
  CAST(sum(records) AS BIGINT) AS records,
  CAST(sum(bytes) AS BIGINT) AS bytes,
  min(since) AS off_from,
  max(until) AS off_to,
  cause
FROM (
  SELECT source, account_id, region, hour, records, status, cause, bytes, since, until,
    row_number() OVER (PARTITION BY source, account_id, region, status, cause ORDER BY hour) AS place
  FROM covered
) AS numbered
GROUP BY source, account_id, region, status, cause, hour - place * INTERVAL 1 HOUR
ORDER BY source, account_id, region, min(hour)
"""
"""Hours that follow one another and say the same are one row; `off_from` to `off_to` is the part that was switched off."""
