"""Rights changed with the credential of a workload."""

from forensics.detect.statements.statement import Statement

_SQL = """
SELECT s.object_id, s.record
FROM cloudtrail AS s
WHERE s.event_source IN ('iam.amazonaws.com', 'sso.amazonaws.com', 'organizations.amazonaws.com',
    'identitystore.amazonaws.com', 'rolesanywhere.amazonaws.com')
  AND s.user_identity_access_key_id IN (SELECT c.access_key_id FROM credential_workload AS c)
  AND NOT regexp_matches(s.event_name, '^(Get|List|Describe|Simulate|Generate|Search)')
"""

STATEMENT = Statement(
    name="iam_changed_by_a_workload",
    title="Rights changed, or tried to, by a workload",
    level="high",
    techniques=("T1098", "T1552.005"),
    description=(
        "The credential of a function, task, pod or instance made or changed users, roles, keys or policies, or tried to."
        " Few workloads are made for that; an intruder on one tries it first."
    ),
    false_positives=(
        "Build agents and infrastructure as code that run on an instance, in a task or in a pod",
        "Functions that rotate keys or clear up users",
    ),
    references=(
        "AWS Identity and Access Management API Reference, Actions",
        "AWS security incident response guide, Access key compromise",
    ),
    playbook="iam-persistence",
    sql=_SQL,
)
