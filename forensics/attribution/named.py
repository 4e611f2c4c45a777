"""Records that name a workload themselves: what it logged, and what was found about it."""

import duckdb

from forensics.arn import SAMPLE, function_key
from forensics.attribution.part import Answer, Part, current, part
from forensics.invocation import FUNCTION_OF_LOG

_TASK_ARN = r"^arn:[^:]+:ecs:[^:]+:[0-9]{12}:task/[^/]+/[^/]+$"

_STREAM_WORKLOAD = f"INSERT INTO stream_workload{FUNCTION_OF_LOG}ORDER BY object_id, log_group, function_name"

_FUNCTION_LOG = part(
    "lambda_log",
    "endpoint",
    Answer(
        workload="w.workload",
        certainty="w.certainty",
        via="'written by the function'",
        needs=("stream_workload",),
        joined="""
JOIN stream_workload AS w ON w.object_id = s.object_id
  AND w.function_name = s.function_name
  AND w.owner IS NOT DISTINCT FROM s.owner
  AND w.log_group IS NOT DISTINCT FROM s.log_group""",
    ),
)


def _task(source: str, arn: str, task_id: str, via: str) -> tuple[Part, Part]:
    """A task named by its ARN, or by an id that only one task has."""
    whole = f"coalesce(regexp_matches({arn}, '{_TASK_ARN}'), FALSE)"
    named = Answer(workload=arn, certainty="'recorded'", via=f"'{via}'", joined=f"WHERE {whole}")
    known = Answer(
        workload="k.workload",
        certainty="'recorded'",
        via=f"'{via}'",
        needs=("task_key",),
        joined=f"JOIN task_key AS k ON k.task_id = {task_id}\nWHERE NOT {whole}",
    )
    return part(source, "endpoint", named), part(source, "endpoint", known)


def _pod(source: str, key: str, uid: str, via: str, *, where: str = "TRUE") -> Part:
    """A pod named by its uid, or by cluster, namespace and name where only one had them."""
    return part(
        source,
        "endpoint",
        Answer(
            workload="coalesce(u.workload, k.workload)",
            certainty="'recorded'",
            via=f"'{via}'",
            needs=("pod_key",),
            joined=f"""
LEFT JOIN pod_key AS u ON u.what = 'uid' AND u.named = {uid}
LEFT JOIN pod_key AS k ON k.what = 'name' AND k.named = {key}
WHERE coalesce(u.workload, k.workload) IS NOT NULL
  AND {where}""",
        ),
    )


_POD_KEY = """
INSERT INTO pod_key
SELECT 'uid' AS what, value AS named, min(workload) AS workload
FROM workload_detail
WHERE property = 'pod_uid'
GROUP BY value
HAVING count(DISTINCT workload) = 1
UNION ALL
SELECT 'name' AS what, split_part(workload, '#', 1) AS named, min(workload) AS workload
FROM workload
WHERE kind = 'eks_pod'
GROUP BY split_part(workload, '#', 1)
HAVING count(*) = 1
"""

_ABOUT = f"NOT {SAMPLE}\n  AND {current('guardduty')}"
_BLOCK = "resource block of the finding"

_FOUND_FUNCTION = part(
    "guardduty",
    "endpoint",
    Answer(
        workload=function_key("s.function_arn"),
        certainty="'recorded'",
        via=f"'{_BLOCK}'",
        joined=f"WHERE {function_key('s.function_arn')} IS NOT NULL\n  AND {_ABOUT}",
    ),
)
_FOUND_INSTANCE = part(
    "guardduty",
    "endpoint",
    Answer(
        workload="w.workload",
        certainty="'recorded'",
        via=f"'{_BLOCK}'",
        joined=f"""
JOIN workload AS w ON w.kind = 'ec2_instance'
  AND split_part(w.workload, '/', 2) = s.instance_id
  AND w.account_id = s.account_id
  AND w.region = s.region
WHERE {_ABOUT}""",
    ),
)
_FOUND_TASK = tuple(
    Part(found.source, found.question, found.sql + f"  AND {_ABOUT}\n", found.needs)
    for found in _task("guardduty", "s.task_arn", "regexp_extract(s.task_arn, '[^/]+$')", _BLOCK)
)
_FOUND_POD = _pod(
    "guardduty",
    "'k8s:' || s.eks_cluster_name || '/' || s.kubernetes_namespace || '/' || s.kubernetes_workload_name",
    "s.kubernetes_workload_details->>'$.uid'",
    _BLOCK,
    where=f"s.kubernetes_workload_type = 'pods'\n  AND {_ABOUT}",
)
_HUB = part(
    "security_hub",
    "endpoint",
    Answer(
        workload="w.workload",
        certainty="'recorded'",
        via="'resource of the finding'",
        joined=f"""
JOIN (
  SELECT DISTINCT r.object_id, r.record, coalesce({function_key("u.id")}, u.id) AS named
  FROM security_hub AS r, unnest(r.resource_ids) AS u(id)
) AS n ON n.object_id = s.object_id AND n.record = s.record
JOIN workload AS w ON w.workload = n.named
WHERE NOT coalesce(s.sample, FALSE)
  AND {current("security_hub")}""",
    ),
)
_HOST = part(
    "host_log",
    "endpoint",
    Answer(
        workload="i.workload",
        certainty="'recorded'",
        via="'written on the instance'",
        needs=("instance_key",),
        joined="JOIN instance_key AS i ON i.instance_id = s.instance_id",
    ),
)

PARTS = (
    _FUNCTION_LOG,
    *_task("container_log", "s.task_arn", "s.task_id", "written by the task"),
    _pod(
        "container_log",
        "'k8s:' || s.cluster_name || '/' || s.namespace_name || '/' || s.pod_name",
        "s.pod_id",
        "written by the pod",
    ),
    *_task("ecs_agent_log", "s.task_arn", "regexp_extract(s.task_arn, '[^/]+$')", "credentials of the task asked for"),
    _HOST,
    _FOUND_FUNCTION,
    _FOUND_INSTANCE,
    *_FOUND_TASK,
    _FOUND_POD,
    _HUB,
)
"""Logs of functions, containers and hosts, and findings' resource blocks."""


def resolve(con: duckdb.DuckDBPyConnection) -> None:
    """Rebuild `stream_workload` and `pod_key`; needs `workload`."""
    for table in ("stream_workload", "pod_key"):
        con.execute(f"DELETE FROM {table}")
    con.execute(_STREAM_WORKLOAD)
    con.execute(_POD_KEY)
