"""What rules and behaviours say of each event that they cite: their findings are no events themselves."""

HITS = """
  SELECT e.event_id AS about, array_agg(DISTINCT coalesce(f.title, f.type, f.finding_id) ORDER BY coalesce(f.title, f.type, f.finding_id)) AS titles
  FROM finding_evidence AS e
  JOIN finding AS f ON f.finding_id = e.finding_id
  WHERE f.source IN ('sigma', 'behaviour', 'tampering')
  GROUP BY e.event_id
"""
"""An event and the titles, in order."""

SHORT = f"""
SELECT t.time, t.source, t.action, t.principal, t.source_ip, t.outcome, array_to_string(h.titles, '; ') AS hits, t.resources, t.event_id
FROM timeline AS t
LEFT JOIN ({HITS}) AS h ON h.about = t.event_id
ORDER BY t.time, t.event_id
"""
"""What of a timeline fits a terminal; exports have every column."""
