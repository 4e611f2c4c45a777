"""The statement of a class: what all classes have (times, metadata, cloud, observables, unmapped), and its own members."""

from __future__ import annotations

from forensics.export.ocsf import VERSION
from forensics.export.ocsf.schema import OcsfClass
from forensics.export.ocsf.sqls import captions, is_address, milliseconds, some, struct, text

SEVERITIES = {0: "Unknown", 1: "Informational", 2: "Low", 3: "Medium", 4: "High", 5: "Critical", 6: "Fatal"}
STATUSES = {0: "Unknown", 1: "Success", 2: "Failure"}
STATUS = "CASE WHEN e.outcome IN ('success', 'accept') THEN 1 WHEN e.outcome IS NOT NULL THEN 2 ELSE 0 END"

IN_CALENDAR = "e.time >= TIMESTAMP '0001-01-01' AND e.time < TIMESTAMP '10000-01-01'"
"""OCSF's times are dates of RFC 3339, of years 1 to 9999."""

_ISO = "strftime(e.time, '%Y-%m-%dT%H:%M:%S.%fZ')"

_ACCOUNT = some(("uid",), uid="e.account_id", name="e.account_id", type="'AWS Account'", type_id="10")
"""Its name, which readers of findings demand, is its id: no log has the alias."""

_WORKLOADS = f"""
SELECT a.event_id,
  list({struct(question="a.question", workload="a.workload", certainty="a.certainty", via="a.via", candidates="a.candidates")}
    ORDER BY a.question, a.workload) AS workloads
FROM attribution AS a
WHERE a.event_id IN (SELECT event_id FROM chosen)
GROUP BY a.event_id
"""


def statement(kind: OcsfClass) -> str:
    """The SELECT of the rows of a class, over `timeline`; one row per event that is of the class."""
    names = ", ".join(f"'{name}'" for name in kind.sources)
    return rows_of(kind, f"SELECT * FROM timeline WHERE source IN ({names})", kind.detail())


def rows_of(kind: OcsfClass, chosen: str, detail: str) -> str:
    """The SELECT of a class over rows that are as those of `event`, with their details by source, object and record."""
    members = ",\n  ".join(f"{sql} AS {name}" for name, sql in _members(kind).items())
    return f"""
, chosen AS (
{chosen}
), detail AS (
{detail}
), attributed AS (
{_WORKLOADS}
)
SELECT
  {members}
FROM chosen AS e
JOIN detail AS d ON d.source = e.source AND d.object_id = e.object_id AND d.record = e.record
LEFT JOIN attributed AS w ON w.event_id = e.event_id
{kind.joins}
WHERE {IN_CALENDAR} AND ({kind.where})
ORDER BY e.time, e.event_id, e.object_id, e.record
"""


def _members(kind: OcsfClass) -> dict[str, str]:
    activity, severity = kind.activity, kind.severity
    ended = "CASE WHEN e.end_time < TIMESTAMP '10000-01-01' AND e.end_time >= e.time THEN e.end_time END"
    begun = f"CASE WHEN {ended} IS NOT NULL THEN e.time END"
    common = {
        "class_uid": str(kind.uid),
        "class_name": text(kind.caption),
        "category_uid": str(kind.uid // 1000),
        "category_name": text(kind.category),
        "activity_id": f"CAST({activity} AS INTEGER)",
        "activity_name": captions(activity, kind.activities, kind.other_activity),
        "type_uid": f"CAST({kind.uid * 100} + {activity} AS BIGINT)",
        "type_name": f"{text(kind.caption + ': ')} || " + captions(activity, kind.activities, "'Other'"),
        "time": "epoch_ms(e.time)",
        "time_dt": "e.time",
        "start_time": milliseconds(begun),
        "start_time_dt": begun,
        "end_time": milliseconds(ended),
        "end_time_dt": ended,
        "severity_id": f"CAST({severity} AS INTEGER)",
        "severity": captions(severity, SEVERITIES, "'Other'"),
        "message": "e.summary",
        "metadata": _metadata(kind),
        "cloud": struct(provider="'AWS'", account=_ACCOUNT, region="e.region"),
    }
    status = {"status_id": f"CAST({STATUS} AS INTEGER)", "status": captions(STATUS, STATUSES, "'Other'")}
    return common | ({} if "status_id" in kind.members else status) | dict(kind.members) | _told(kind)


def _metadata(kind: OcsfClass) -> str:
    return struct(
        version=text(VERSION),
        product=struct(name="d.product", vendor_name="d.vendor", feature=some((), name="d.feature")),
        uid="e.event_id",
        profiles="[" + ", ".join(map(text, kind.profiles)) + "]",
        original_time=_ISO,
        event_code="e.action",
        log_name="e.source",
    )


def _told(kind: OcsfClass) -> dict[str, str]:
    """Values worth a look, and what OCSF has no place for: our event's own columns, and who it is attributed to."""
    return {
        "observables": _observables(kind),
        "unmapped": struct(
            source="e.source",
            object_id="nullif(e.object_id, e.event_id)",
            record="CASE WHEN e.object_id <> e.event_id THEN e.record END",
            action="e.action",
            outcome="e.outcome",
            severity="CASE WHEN isfinite(e.severity) THEN e.severity END",
            principal="e.principal",
            session="e.session",
            access_key_id="e.access_key_id",
            source_ip="e.source_ip",
            destination_ip="e.destination_ip",
            bytes="e.bytes",
            user_agent="e.user_agent",
            resources="e.resources",
            workloads="w.workloads",
            fields="d.fields",
        ),
    }


def _observables(kind: OcsfClass) -> str:
    address = [("source_ip", "e.source_ip"), ("destination_ip", "e.destination_ip")]
    single = [_observable("principal", 10, "Resource UID", "e.principal")]
    single += [_observable("access_key_id", kind.key_type, "User Credential ID", "e.access_key_id")]
    single += [
        _observable(name, 2, "IP Address", f"CASE WHEN {is_address(sql)} THEN {sql} END") for name, sql in address
    ]
    each = struct(
        name="'workload, ' || x.question || ', ' || x.certainty",
        type_id="10",
        type="'Resource UID'",
        value="x.workload",
    )
    several = f"coalesce(list_transform(w.workloads, lambda x: {each}), [])"
    found = f"list_concat(list_filter([{', '.join(single)}], lambda x: x IS NOT NULL), {several})"
    return f"CASE WHEN len({found}) > 0 THEN {found} END"


def _observable(name: str, uid: int, kind: str, sql: str) -> str:
    made = struct(name=text(name), type_id=str(uid), type=text(kind), value=sql)
    return f"CASE WHEN {sql} IS NOT NULL THEN {made} END"
