"""GuardDuty findings: what AWS judged suspicious, about which credential, workload and address."""

from collections.abc import Mapping
from typing import Any

from forensics.source import Column, EventMap, IdentityMap, Source

_KEY = "resource.accessKeyDetails"
_API = "service.action.awsApiCallAction"
_NET = "service.action.networkConnectionAction"

COLUMNS = (
    Column("schemaVersion"),
    Column("accountId", doc="Account the finding is about, not the exporting administrator's."),
    Column("region"),
    Column("partition"),
    Column("id", doc="Finding id; later versions of a finding share it."),
    Column("arn"),
    Column("type", doc="ThreatPurpose:ResourceType/ThreatFamily.Mechanism!Artifact."),
    Column("title"),
    Column("description"),
    Column("severity", "DOUBLE", "1.0 to 10.0; 9.0 and above is critical."),
    Column("confidence", "DOUBLE"),
    Column("createdAt", "TIMESTAMP"),
    Column("updatedAt", "TIMESTAMP", "Later versions of one finding have a later one."),
    Column("associatedAttackSequenceArn"),
    Column("resource", "JSON", "What the finding is about, whole."),
    Column("service", "JSON", "What was seen, whole."),
    Column("resource.resourceType", name="resource_type"),
    Column(f"{_KEY}.accessKeyId", name="access_key_id"),
    Column(f"{_KEY}.principalId", name="principal_id"),
    Column(f"{_KEY}.userName", name="user_name"),
    Column(f"{_KEY}.userType", name="user_type"),
    Column("resource.instanceDetails.instanceId", name="instance_id"),
    Column("resource.instanceDetails.networkInterfaces", "JSON", name="network_interfaces"),
    Column("resource.lambdaDetails.functionArn", name="function_arn"),
    Column("resource.lambdaDetails.functionVersion", name="function_version"),
    Column("resource.ecsClusterDetails.taskDetails.arn", name="task_arn"),
    Column("resource.eksClusterDetails.name", name="eks_cluster_name"),
    Column("resource.kubernetesDetails.kubernetesWorkloadDetails", "JSON", name="kubernetes_workload_details"),
    Column("service.eventFirstSeen", "TIMESTAMP", name="event_first_seen"),
    Column("service.eventLastSeen", "TIMESTAMP", name="event_last_seen"),
    Column("service.count", "BIGINT", name="count"),
    Column("service.archived", "BOOLEAN", name="archived"),
    Column("service.resourceRole", name="resource_role"),
    Column("service.action.actionType", name="action_type"),
    Column(f"{_API}.api", name="api"),
    Column(f"{_API}.serviceName", name="api_service_name"),
    Column(f"{_API}.remoteIpDetails.ipAddressV4", name="api_remote_ip"),
    Column(f"{_API}.remoteIpDetails.ipAddressV6", name="api_remote_ipv6"),
    Column(f"{_NET}.connectionDirection", name="connection_direction"),
    Column(f"{_NET}.localIpDetails.ipAddressV4", name="connection_local_ip"),
    Column(f"{_NET}.remoteIpDetails.ipAddressV4", name="connection_remote_ip"),
    Column("service.action.kubernetesApiCallAction.remoteIpDetails.ipAddressV4", name="kubernetes_remote_ip"),
    Column("service.additionalInfo", "JSON", name="additional_info"),
)

RESOURCE_IDS = """list_sort(list_distinct(list_filter(list_concat(
  [s.function_arn, s.task_arn, 'arn:aws:ec2:' || s.region || ':' || s.account_id || ':instance/' || s.instance_id],
  json_extract_string(s.network_interfaces, '$[*].networkInterfaceId'),
  json_extract_string(s.resource, '$.s3BucketDetails[*].arn')),
lambda r: r IS NOT NULL)))"""
"""ARNs and ids a finding is about."""

EVENT = EventMap(
    unique=True,
    version="s.updated_at",
    columns={
        "event_id": "coalesce(nullif(s.id, ''), s.object_id || '/' || s.record)",
        "time": "coalesce(s.event_first_seen, s.created_at)",
        "end_time": "s.event_last_seen",
        "account_id": "s.account_id",
        "region": "s.region",
        "access_key_id": "nullif(s.access_key_id, '')",
        "action": "'guardduty:' || s.type",
        "resources": "s.resource_ids",
        "source_ip": "coalesce(s.api_remote_ip, s.api_remote_ipv6, s.kubernetes_remote_ip, "
        "CASE WHEN s.connection_direction = 'INBOUND' THEN s.connection_remote_ip ELSE s.connection_local_ip END)",
        "destination_ip": "CASE WHEN s.connection_direction = 'INBOUND' THEN s.connection_local_ip "
        "ELSE s.connection_remote_ip END",
        "severity": "s.severity",
        "user_agent": "s.service->>'$.action.awsApiCallAction.userAgent'",
        "summary": "coalesce(s.title, s.type)",
    },
)


def claims(record: Mapping[str, Any]) -> bool:
    """A finding in the form of the S3 export and EventBridge."""
    return (
        "type" in record
        and "severity" in record
        and isinstance(record.get("resource"), dict)
        and isinstance(record.get("service"), dict)
    )


SOURCE = Source(
    name="guardduty",
    title="GuardDuty findings",
    reference="GuardDuty finding format",
    shape="json",
    columns=COLUMNS,
    event=EVENT,
    identity=IdentityMap(
        {
            "type": "s.user_type",
            "principal_id": "nullif(s.principal_id, '')",
            "account_id": "CASE WHEN s.principal_id IS NOT NULL THEN s.account_id END",
            "user_name": "s.user_name",
        }
    ),
    keys=(r"AWSLogs/(?:o-[a-z0-9]+/)?(?P<account>\d{12})/GuardDuty/(?P<region>[a-z0-9-]+)/\d{4}/\d\d/\d\d/",),
    required=("type", "severity", "resource", "service"),
    claims=claims,
    derived=(("resource_ids", "VARCHAR[]", RESOURCE_IDS),),
    account="s.account_id",
    region="s.region",
)
