"""Detection Finding (2004): findings of GuardDuty and Security Hub; those of our rules are added by the format."""

from collections.abc import Iterable

from forensics.export.ocsf.callers import RESOURCES
from forensics.export.ocsf.schema import OcsfClass, Records
from forensics.export.ocsf.sqls import NOT_RECORDED, endpoint, milliseconds, struct, text
from forensics.export.ocsf.statement import rows_of

MOST_CITED = 100
"""Events that a finding names one by one, first by id; the others are counted."""

DETAILS = {
    "uid": "VARCHAR",
    "title": "VARCHAR",
    "description": "VARCHAR",
    "types": "VARCHAR[]",
    "created": "TIMESTAMP",
    "modified": "TIMESTAMP",
    "first_seen": "TIMESTAMP",
    "last_seen": "TIMESTAMP",
    "severity_id": "INTEGER",
    "confidence": "DOUBLE",
    "state": "INTEGER",
    "url": "VARCHAR",
}
"""`severity_id` and `state` are OCSF's severity_id and status_id."""


def graded(severity: str) -> str:
    """GuardDuty's severity as severity_id ("Severity levels of GuardDuty findings"); rules' have the same scale."""
    return (
        f"CASE WHEN {severity} >= 9 THEN 5 WHEN {severity} >= 7 THEN 4 WHEN {severity} >= 4 THEN 3"
        f" WHEN {severity} >= 1 THEN 2 WHEN {severity} IS NOT NULL THEN 1 ELSE 0 END"
    )


GUARDDUTY = {
    "uid": "coalesce(nullif(s.arn, ''), s.id)",
    "title": "s.title",
    "description": "s.description",
    "types": "CASE WHEN s.type IS NOT NULL THEN [s.type] END",
    "created": "s.created_at",
    "modified": "s.updated_at",
    "first_seen": "s.event_first_seen",
    "last_seen": "s.event_last_seen",
    "severity_id": graded("s.severity"),
    "confidence": "s.confidence",
    "state": "CASE WHEN s.archived THEN 5 ELSE 1 END",
    "feature": "s.feature_name",
    "fields": "s.unmapped",
}
SECURITY_HUB = {
    "uid": "s.id",
    "title": "s.title",
    "description": "s.description",
    "types": "json_extract_string(s.types, '$[*]')",
    "created": "s.created_at",
    "modified": "s.updated_at",
    "first_seen": "s.first_observed_at",
    "last_seen": "s.last_observed_at",
    "severity_id": "CASE upper(s.severity_label) WHEN 'INFORMATIONAL' THEN 1 WHEN 'LOW' THEN 2 WHEN 'MEDIUM' THEN 3"
    " WHEN 'HIGH' THEN 4 WHEN 'CRITICAL' THEN 5 ELSE 0 END",
    "confidence": "s.confidence",
    "state": "CASE s.workflow_status WHEN 'NOTIFIED' THEN 2 WHEN 'SUPPRESSED' THEN 3 WHEN 'RESOLVED' THEN 4"
    " ELSE CASE s.record_state WHEN 'ARCHIVED' THEN 5 ELSE 1 END END",
    "url": "s.source_url",
    "feature": "s.product_name",
    "fields": "s.unmapped",
}
OCSF = {
    "uid": "s.finding_uid",
    "title": "coalesce(s.finding_title, s.finding->>'$.title')",
    "description": "s.finding_info->>'$.desc'",
    "types": "json_extract_string(s.finding_types, '$[*]')",
    "severity_id": "CASE WHEN s.severity_id BETWEEN 0 AND 6 THEN s.severity_id ELSE 0 END",
    "state": "1",
    "product": "coalesce(s.product_name, 'OCSF')",
    "vendor": "coalesce(s.metadata->>'$.product.vendor_name', 'not recorded')",
    "fields": "s.source_unmapped",
}

HITS = "findings of rules, and of our own, on these events"
"""Why rows that are no events are added."""
_OURS = """
SELECT f.finding_id AS event_id, f.source, f.time, f.end_time, CAST(NULL AS VARCHAR) AS account_id,
  CAST(NULL AS VARCHAR) AS region, f.principal, CAST(NULL AS VARCHAR) AS session, f.access_key_id,
  f.source || coalesce(':' || f.type, '') AS action, f.resources, CAST(NULL AS VARCHAR) AS source_ip,
  CAST(NULL AS VARCHAR) AS destination_ip, CAST(NULL AS VARCHAR) AS outcome, f.severity, CAST(NULL AS BIGINT) AS bytes,
  CAST(NULL AS VARCHAR) AS user_agent, coalesce(f.title, f.type, f.finding_id) AS summary, f.finding_id AS object_id,
  CAST(0 AS BIGINT) AS record
FROM finding AS f
WHERE f.finding_id IN (
  SELECT c.finding_id FROM finding_evidence AS c WHERE c.event_id IN (SELECT event_id FROM timeline))
  AND f.source NOT IN ({sources})
"""
_OURS_DETAIL = f"""
SELECT c.source, c.object_id, c.record, 'forensics' AS vendor, 'forensics' AS product, c.source AS feature,
  CAST(NULL AS VARCHAR) AS fields, c.event_id AS uid, c.summary AS title, CAST(NULL AS VARCHAR) AS description,
  [c.action] AS types, CAST(NULL AS TIMESTAMP) AS created, CAST(NULL AS TIMESTAMP) AS modified, c.time AS first_seen,
  c.end_time AS last_seen, {graded("c.severity")} AS severity_id, CAST(NULL AS DOUBLE) AS confidence, 1 AS state,
  CAST(NULL AS VARCHAR) AS url
FROM chosen AS c
"""

_STATES = {1: "New", 2: "In Progress", 3: "Suppressed", 4: "Resolved", 5: "Archived"}


def _times(name: str, column: str) -> dict[str, str]:
    inside = f"{column} >= TIMESTAMP '0001-01-01' AND {column} < TIMESTAMP '10000-01-01'"
    held = f"CASE WHEN {inside} THEN {column} END"
    return {f"{name}_time": milliseconds(held), f"{name}_time_dt": held}


FINDING_INFO = struct(
    uid="coalesce(nullif(d.uid, ''), e.event_id)",
    title=f"coalesce(nullif(d.title, ''), e.summary, e.action, {text(NOT_RECORDED)})",
    desc="d.description",
    types="CASE WHEN len(d.types) > 0 THEN list_filter(d.types, lambda x: x IS NOT NULL) END",
    src_url="d.url",
    **_times("created", "d.created"),
    **_times("modified", "d.modified"),
    **_times("first_seen", "d.first_seen"),
    related_events=f"cited.events[1:{MOST_CITED}]",
    related_events_count="CAST(len(cited.events) AS INTEGER)",
    **_times("last_seen", "d.last_seen"),
)
CITED = """LEFT JOIN (
  SELECT c.finding_id, list({'uid': c.event_id, 'desc': c.why} ORDER BY c.event_id, c.why) AS events
  FROM finding_evidence AS c
  WHERE c.finding_id IN (SELECT event_id FROM chosen)
  GROUP BY c.finding_id
) AS cited ON cited.finding_id = e.event_id"""
EVIDENCES = struct(src_endpoint=endpoint("e.source_ip"), dst_endpoint=endpoint("e.destination_ip"))
_STATE = "coalesce(d.state, 1)"

CLASS = OcsfClass(
    uid=2004,
    name="detection_finding",
    caption="Detection Finding",
    category="Findings",
    activity="CASE WHEN d.modified > d.created THEN 2 ELSE 1 END",
    activities={1: "Create", 2: "Update"},
    details=DETAILS,
    sources={
        "guardduty": Records("GuardDuty", GUARDDUTY),
        "security_hub": Records("Security Hub", SECURITY_HUB),
        "ocsf": Records("OCSF", OCSF, where="s.class_uid BETWEEN 2000 AND 2999"),
    },
    members={
        "finding_info": FINDING_INFO,
        "status_id": f"CAST({_STATE} AS INTEGER)",
        "status": f"CASE {_STATE} " + " ".join(f"WHEN {uid} THEN '{word}'" for uid, word in _STATES.items()) + " END",
        "confidence_score": "CASE WHEN d.confidence BETWEEN 0 AND 100 THEN CAST(round(d.confidence) AS INTEGER) END",
        "resources": RESOURCES,
        "evidences": f"CASE WHEN e.source_ip IS NOT NULL OR e.destination_ip IS NOT NULL THEN [{EVIDENCES}] END",
    },
    severity="coalesce(d.severity_id, 0)",
    key_type=99,
    joins=CITED,
)


def hits(sources: Iterable[str]) -> str:
    """The SELECT of findings that rest on events of `timeline` and are none themselves: those of no log source."""
    return rows_of(CLASS, _ours(sources), _OURS_DETAIL)


def count_hits(sources: Iterable[str]) -> str:
    """The SELECT of how many those are, also without a time."""
    return f"SELECT count(*) FROM ({_ours(sources)}) AS ours"


def _ours(sources: Iterable[str]) -> str:
    return _OURS.format(sources=", ".join(map(text, sources)))
