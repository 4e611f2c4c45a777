"""EKS audit logs: requests to the Kubernetes API server, by whom, from which pod or IAM principal."""

from collections.abc import Mapping
from typing import Any

from forensics.source import About, BlindSpot, Column, EventMap, IdentityMap, LogStream, Source

COLUMNS = (
    Column("kind", doc="Event."),
    Column("apiVersion", doc="audit.k8s.io/v1, or v1beta1 of old clusters."),
    Column("level", doc="Metadata, Request, RequestResponse: how much is recorded."),
    Column("auditID", doc="Request; its stages share it."),
    Column("stage", doc="RequestReceived, ResponseStarted (watch, exec), ResponseComplete, Panic."),
    Column("requestURI", doc="Path and query; of exec the command stands in it.", unique=True),
    Column("verb", doc="get, list, watch, create, update, patch, delete; exec is create of pods/exec.", name="verb"),
    Column("user", "JSON", "Who asked: name, uid, groups, extra."),
    Column(
        "user.username",
        doc="Kubernetes user: system:serviceaccount:NS:SA, system:node:NAME, or as mapped.",
        name="username",
    ),
    Column("user.uid", doc="aws-iam-authenticator:ACCOUNT:UNIQUE_ID, or the service account's uid.", name="user_uid"),
    Column("impersonatedUser", "JSON", "Whom the user acted as."),
    Column("impersonatedUser.username", doc="Name acted as.", name="impersonated_username"),
    Column("sourceIPs", "JSON", "Addresses: the client as seen, then proxies.", name="source_ips"),
    Column("userAgent", doc="User agent of the client."),
    Column("objectRef", "JSON", "Object asked for, whole."),
    Column("objectRef.resource", doc="Kind of object: pods, secrets…", name="object_resource"),
    Column("objectRef.subresource", doc="exec, log, portforward, token, status…", name="object_subresource"),
    Column("objectRef.namespace", doc="Namespace.", name="object_namespace"),
    Column("objectRef.name", doc="Name of the object.", name="object_name"),
    Column("objectRef.apiGroup", doc="API group; NULL of the core group.", name="object_api_group"),
    Column("responseStatus", "JSON", "Answer: code, status, reason, message."),
    Column("responseStatus.code", "BIGINT", "HTTP status of the answer.", name="response_code"),
    Column("responseStatus.reason", doc="Why a request failed.", name="response_reason"),
    Column("requestObject", "JSON", "Body of the request, at higher levels only; never of secrets on EKS."),
    Column("responseObject", "JSON", "Body of the answer, at the highest level only."),
    Column("requestReceivedTimestamp", "TIMESTAMP", "When the request came in."),
    Column("stageTimestamp", "TIMESTAMP", "When this stage was reached."),
    Column("annotations", "JSON", "authorization.k8s.io/decision and reason, and others."),
    Column("metadata", "JSON", "Of old clusters."),
    Column("timestamp", "TIMESTAMP", "Of old clusters."),
    Column("@logGroup", doc="/aws/eks/CLUSTER/cluster: the only place that names the cluster."),
    Column("@logStream", doc="kube-apiserver-audit-ID."),
    Column("@owner", doc="Account of the log group."),
)


def extra(name: str) -> str:
    """SQL: the first value of a member of `user.extra`, in Kubernetes' spelling or as some pipelines rewrite it."""
    rewritten = name.replace(".", "_").replace("/", "_io_slash_" if name.endswith("io") else "_slash_")
    return f"""coalesce(s.user->'extra'->'{name}'->>0, s.user->'extra'->>'{name}',
      s.user->'extra'->'{rewritten}'->>0, s.user->'extra'->>'{rewritten}')"""


_IAM_ID = "nullif(regexp_extract(s.user_uid, '^aws-iam-authenticator:[0-9]{12}:(.+)$', 1), '')"
"""SQL: the unique id of a user that IAM vouched for."""

POD = "authentication.kubernetes.io/pod-name"


def claims(record: Mapping[str, Any]) -> bool:
    """An audit event of Kubernetes."""
    version = record.get("apiVersion")
    by_version = isinstance(version, str) and version.startswith("audit.k8s.io/") and record.get("kind") == "Event"
    return by_version or ("auditID" in record and "verb" in record and "requestURI" in record)


def claims_stream(stream: LogStream, message: str) -> bool:
    """The audit stream of a cluster's control plane."""
    named = (stream.log_stream or "").startswith("kube-apiserver-audit-")
    return named and (stream.log_group is None or stream.log_group.startswith("/aws/eks/"))


_EXTRA = (
    ("iam_arn", "arn"),
    ("iam_canonical_arn", "canonicalArn"),
    ("iam_principal_id", "principalId"),
    ("iam_session_name", "sessionName"),
    ("access_key_id", "accessKeyId"),
    ("pod_name", POD),
    ("pod_uid", "authentication.kubernetes.io/pod-uid"),
    ("node_name", "authentication.kubernetes.io/node-name"),
    ("credential_id", "authentication.kubernetes.io/credential-id"),
)

SOURCE = Source(
    name="eks_audit",
    title="EKS (Kubernetes) audit logs",
    reference="Send control plane logs to CloudWatch Logs",
    columns=COLUMNS,
    event=EventMap(
        evidence=True,
        columns={
            "event_id": "s.object_id || '/' || s.record",
            "time": "coalesce(s.stage_timestamp, s.request_received_timestamp, s.timestamp)",
            "account_id": "coalesce(s.owner, nullif(regexp_extract(s.user_uid, '^aws-iam-authenticator:([0-9]{12}):', 1), ''), e.account_id)",
            "region": "e.region",
            "access_key_id": "s.access_key_id",
            "action": """'kubernetes:' || coalesce(s.verb, 'request')
      || coalesce(':' || s.object_resource || coalesce('/' || s.object_subresource, ''), '')""",
            "resources": """list_filter([s.cluster_name,
      coalesce(s.object_namespace || '/', '') || s.object_resource || coalesce('/' || s.object_name, '')], lambda r: r IS NOT NULL)""",
            "source_ip": "s.source_ips->>0",
            "outcome": """CASE
      WHEN s.annotations->>'authorization.k8s.io/decision' = 'forbid' OR s.response_code IN (401, 403) THEN 'denied'
      WHEN s.response_code BETWEEN 100 AND 399 THEN 'success'
      WHEN s.response_code IS NOT NULL THEN 'error'
    END""",
            "user_agent": "s.user_agent",
            "summary": """coalesce(s.username, 'somebody') || coalesce(' as ' || s.impersonated_username, '')
      || ' ' || coalesce(s.verb, '?') || ' ' || coalesce(s.object_resource || coalesce('/' || s.object_subresource, ''), left(s.request_uri, 200), '')
      || coalesce(' ' || coalesce(s.object_namespace || '/', '') || s.object_name, '')
      || coalesce(' from ' || (s.source_ips->>0), '') || coalesce(': ' || s.response_code, '')""",
        },
    ),
    identity=IdentityMap(
        {
            "type": f"""CASE
      WHEN coalesce({extra("arn")}, {extra("canonicalArn")}, {extra("principalId")}, {_IAM_ID}) IS NOT NULL THEN NULL
      WHEN s.username LIKE 'system:serviceaccount:%' THEN 'KubernetesServiceAccount'
      WHEN s.username IS NOT NULL THEN 'KubernetesUser'
    END""",
            "arn": extra("arn"),
            "pathless_arn": extra("canonicalArn"),
            "principal_id": f"coalesce({extra('principalId')}, {_IAM_ID})",
            "account_id": "nullif(regexp_extract(s.user_uid, '^aws-iam-authenticator:([0-9]{12}):', 1), '')",
        }
    ),
    about=About(
        recognised="streams kube-apiserver-audit-* of /aws/eks/*, or records with apiVersion audit.k8s.io",
        delivered="CloudWatch Logs; off by default",
        delay="minutes; best effort",
        minutes=10,
        organisation="by centralisation or subscription; owner of the log group is the account",
        cannot_show=(
            BlindSpot("workload", "What ran inside a pod, and what was typed into an exec session after it began."),
            BlindSpot("workload", "Contents of secrets, and bodies below the level that the policy records."),
            BlindSpot("workload", "The cluster, where the log group is lost on the way."),
        ),
    ),
    claims=claims,
    claims_stream=claims_stream,
    lists=("items",),
    derived=(
        *((name, "VARCHAR", extra(member)) for name, member in _EXTRA),
        ("cluster_name", "VARCHAR", "nullif(regexp_extract(s.log_group, '^/aws/eks/(.+)/cluster$', 1), '')"),
    ),
    account="s.owner",
)
