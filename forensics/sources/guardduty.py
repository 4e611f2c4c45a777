"""GuardDuty findings: what AWS judged suspicious, about which credential, workload and address."""

from collections.abc import Mapping
from datetime import timedelta
from typing import Any

from forensics.key_layout import trail
from forensics.source import About, BlindSpot, Column, EventMap, IdentityMap, Source

_KEY = "resource.accessKeyDetails"
_API = "service.action.awsApiCallAction"
_NET = "service.action.networkConnectionAction"
_DNS = "service.action.dnsRequestAction"
_K8S = "service.action.kubernetesApiCallAction"
_PROCESS = "service.runtimeDetails.process"
_WORKLOAD = "resource.kubernetesDetails.kubernetesWorkloadDetails"
_SEQUENCE = "service.detection.sequence"

COLUMNS = (
    Column("schemaVersion", doc="Version of the format: 2.0."),
    Column("accountId", doc="Account the finding is about, not the exporting administrator's."),
    Column("region", doc="Region of the finding."),
    Column("partition", doc="aws, aws-cn, aws-us-gov."),
    Column("id", doc="Finding id; later versions of a finding share it."),
    Column("arn", doc="ARN of the finding."),
    Column("type", doc="ThreatPurpose:ResourceType/ThreatFamily.Mechanism!Artifact."),
    Column("title", doc="Title."),
    Column("description", doc="What was seen, in words."),
    Column("severity", "DOUBLE", "1.0 to 10.0; 9.0 and above is critical."),
    Column("confidence", "DOUBLE", doc="How sure GuardDuty is, where it says so."),
    Column("createdAt", "TIMESTAMP", doc="When the finding was made."),
    Column("updatedAt", "TIMESTAMP", "Later versions of one finding have a later one."),
    Column("associatedAttackSequenceArn", doc="Attack sequence the finding is part of."),
    Column("resource", "JSON", "What the finding is about, whole."),
    Column("service", "JSON", "What was seen, whole."),
    Column(
        "resource.resourceType",
        name="resource_type",
        doc="Instance, AccessKey, S3Bucket, EKSCluster, ECSCluster, Container, Lambda, RDSDBInstance…",
    ),
    Column(f"{_KEY}.accessKeyId", name="access_key_id", doc="Access key the finding is about."),
    Column(f"{_KEY}.principalId", name="principal_id", doc="Unique id and session name of its principal."),
    Column(f"{_KEY}.userName", name="user_name", doc="Role or user."),
    Column(f"{_KEY}.userType", name="user_type", doc="AssumedRole, IAMUser, Root…"),
    Column("resource.instanceDetails.instanceId", name="instance_id", doc="Instance."),
    Column(
        "resource.instanceDetails.networkInterfaces",
        "JSON",
        name="network_interfaces",
        doc="Interfaces of the instance, with addresses.",
    ),
    Column("resource.lambdaDetails.functionArn", name="function_arn", doc="Lambda function."),
    Column("resource.lambdaDetails.functionVersion", name="function_version", doc="Its version."),
    Column("resource.ecsClusterDetails.taskDetails.arn", name="task_arn", doc="ECS task."),
    Column("resource.eksClusterDetails.name", name="eks_cluster_name", doc="EKS cluster."),
    Column(
        "resource.kubernetesDetails.kubernetesWorkloadDetails",
        "JSON",
        name="kubernetes_workload_details",
        doc="Kubernetes workload, whole.",
    ),
    Column("service.eventFirstSeen", "TIMESTAMP", name="event_first_seen", doc="First sight of what was seen."),
    Column("service.eventLastSeen", "TIMESTAMP", name="event_last_seen", doc="Last sight of what was seen."),
    Column("service.count", "BIGINT", name="count", doc="How often it was seen."),
    Column("service.archived", "BOOLEAN", name="archived", doc="Whether it was archived."),
    Column("service.resourceRole", name="resource_role", doc="TARGET or ACTOR."),
    Column(
        "service.action.actionType",
        name="action_type",
        doc="AWS_API_CALL, NETWORK_CONNECTION, PORT_PROBE, DNS_REQUEST, KUBERNETES_API_CALL, RDS_LOGIN_ATTEMPT.",
    ),
    Column(f"{_API}.api", name="api", doc="API that was called."),
    Column(f"{_API}.serviceName", name="api_service_name", doc="Service of that API."),
    Column(f"{_API}.remoteIpDetails.ipAddressV4", name="api_remote_ip", doc="Address it was called from."),
    Column(f"{_API}.remoteIpDetails.ipAddressV6", name="api_remote_ipv6", doc="The same, IPv6."),
    Column(f"{_NET}.connectionDirection", name="connection_direction", doc="INBOUND, OUTBOUND, UNKNOWN."),
    Column(f"{_NET}.localIpDetails.ipAddressV4", name="connection_local_ip", doc="Own address of a connection."),
    Column(f"{_NET}.localIpDetails.ipAddressV6", name="connection_local_ipv6", doc="The same, IPv6."),
    Column(f"{_NET}.remoteIpDetails.ipAddressV4", name="connection_remote_ip", doc="Address at the other end."),
    Column(f"{_NET}.remoteIpDetails.ipAddressV6", name="connection_remote_ipv6", doc="The same, IPv6."),
    Column(
        "service.action.kubernetesApiCallAction.remoteIpDetails.ipAddressV4",
        name="kubernetes_remote_ip",
        doc="Address a Kubernetes API call came from.",
    ),
    Column(f"{_K8S}.remoteIpDetails.ipAddressV6", name="kubernetes_remote_ipv6", doc="The same, IPv6."),
    Column(f"{_K8S}.userAgent", name="kubernetes_user_agent", doc="User agent of the Kubernetes call."),
    Column(
        "service.additionalInfo", "JSON", name="additional_info", doc="Further details; sample is true of a sample."
    ),
    Column("resource.instanceDetails.iamInstanceProfile.arn", name="instance_profile_arn", doc="Instance profile."),
    Column("resource.instanceDetails.imageId", name="image_id", doc="Image of the instance."),
    Column("resource.s3BucketDetails", "JSON", name="s3_bucket_details", doc="Buckets and objects, whole."),
    Column("resource.lambdaDetails.role", name="function_role", doc="Role of the Lambda function."),
    Column("resource.ecsClusterDetails.arn", name="ecs_cluster_arn", doc="ECS cluster."),
    Column("resource.ecsClusterDetails.taskDetails.definitionArn", name="task_definition_arn", doc="Task definition."),
    Column(
        "resource.ecsClusterDetails.taskDetails.containers",
        "JSON",
        name="task_containers",
        doc="Containers of the task.",
    ),
    Column("resource.eksClusterDetails.arn", name="eks_cluster_arn", doc="EKS cluster."),
    Column(
        "resource.kubernetesDetails.kubernetesUserDetails.username", name="kubernetes_username", doc="Kubernetes user."
    ),
    Column("resource.kubernetesDetails.kubernetesUserDetails.uid", name="kubernetes_user_uid", doc="Its uid."),
    Column(
        "resource.kubernetesDetails.kubernetesUserDetails.groups", "JSON", name="kubernetes_groups", doc="Its groups."
    ),
    Column(f"{_WORKLOAD}.name", name="kubernetes_workload_name", doc="Kubernetes workload: of a pod its name."),
    Column(f"{_WORKLOAD}.type", name="kubernetes_workload_type", doc="pods, deployments…"),
    Column(f"{_WORKLOAD}.namespace", name="kubernetes_namespace", doc="Kubernetes namespace."),
    Column(
        f"{_WORKLOAD}.serviceAccountName", name="kubernetes_service_account", doc="Service account of the workload."
    ),
    Column("resource.containerDetails", "JSON", name="container_details", doc="Container, whole."),
    Column("resource.containerDetails.id", name="container_id", doc="Container."),
    Column("resource.containerDetails.image", name="container_image", doc="Image of the container."),
    Column("resource.rdsDbInstanceDetails.dbInstanceIdentifier", name="db_instance_identifier", doc="RDS instance."),
    Column("resource.rdsDbInstanceDetails.dbInstanceArn", name="db_instance_arn", doc="ARN of the RDS instance."),
    Column("resource.rdsDbUserDetails.user", name="db_user", doc="Database user."),
    Column("resource.rdsDbUserDetails.database", name="database_name", doc="Database."),
    Column("resource.rdsLimitlessDbDetails.dbShardGroupArn", name="db_shard_group_arn", doc="Limitless database."),
    Column(
        "resource.rdsLimitlessDbDetails.dbShardGroupIdentifier",
        name="db_shard_group_identifier",
        doc="Its identifier.",
    ),
    Column("resource.ebsSnapshotDetails.snapshotArn", name="snapshot_arn", doc="EBS snapshot that was scanned."),
    Column("resource.ec2ImageDetails.imageArn", name="image_arn", doc="Machine image that was scanned."),
    Column(
        "resource.recoveryPointDetails.recoveryPointArn",
        name="recovery_point_arn",
        doc="Recovery point of AWS Backup that was scanned.",
    ),
    Column("resource.recoveryPointDetails.backupVaultName", name="backup_vault_name", doc="Vault it is in."),
    Column("resource.ebsVolumeDetails", "JSON", name="ebs_volume_details", doc="Volumes scanned and skipped."),
    Column(
        "service.featureName", name="feature_name", doc="What it was seen in: CloudTrail, FlowLogs, RuntimeMonitoring…"
    ),
    Column("service.detectorId", name="detector_id", doc="Detector."),
    Column(
        "service.evidence.threatIntelligenceDetails",
        "JSON",
        name="threat_intelligence_details",
        doc="Threat lists that matched.",
    ),
    Column(f"{_API}.errorCode", name="api_error_code", doc="Error the call ended with."),
    Column(f"{_API}.userAgent", name="user_agent", doc="User agent of the call."),
    Column(f"{_API}.callerType", name="api_caller_type", doc="Remote IP or Domain."),
    Column(
        f"{_API}.remoteIpDetails", "JSON", name="api_remote_ip_details", doc="Where the caller's address is, and whose."
    ),
    Column(f"{_API}.remoteAccountDetails.accountId", name="api_remote_account_id", doc="Account the call came from."),
    Column(f"{_API}.affectedResources", "JSON", name="api_affected_resources", doc="Resources the call was about."),
    Column(f"{_NET}.protocol", name="connection_protocol", doc="Protocol in words."),
    Column(f"{_NET}.blocked", "BOOLEAN", name="connection_blocked", doc="Whether the connection was blocked."),
    Column(f"{_NET}.localPortDetails.port", "BIGINT", name="connection_local_port", doc="Own port."),
    Column(f"{_NET}.remotePortDetails.port", "BIGINT", name="connection_remote_port", doc="Port at the other end."),
    Column(
        "service.action.portProbeAction.portProbeDetails",
        "JSON",
        name="port_probe_details",
        doc="Ports probed, and by whom.",
    ),
    Column(f"{_DNS}.domain", name="dns_domain", doc="Name asked for."),
    Column(f"{_DNS}.blocked", "BOOLEAN", name="dns_blocked", doc="Whether the query was blocked."),
    Column(f"{_K8S}.verb", name="verb", doc="Verb of the Kubernetes call."),
    Column(f"{_K8S}.requestUri", name="request_uri", doc="Path of the Kubernetes call."),
    Column(f"{_K8S}.resource", name="kubernetes_resource", doc="Kind of object of the Kubernetes call."),
    Column(f"{_K8S}.namespace", name="kubernetes_api_namespace", doc="Namespace of the Kubernetes call."),
    Column(f"{_K8S}.sourceIPs", "JSON", name="source_ips", doc="Addresses of the Kubernetes call."),
    Column(f"{_K8S}.statusCode", "BIGINT", name="kubernetes_status_code", doc="HTTP status of the Kubernetes call."),
    Column(
        "service.action.rdsLoginAttemptAction.remoteIpDetails.ipAddressV4",
        name="rds_remote_ip",
        doc="Address of a login.",
    ),
    Column(
        "service.action.rdsLoginAttemptAction.remoteIpDetails.ipAddressV6",
        name="rds_remote_ipv6",
        doc="The same, IPv6.",
    ),
    Column(
        "service.action.rdsLoginAttemptAction.LoginAttributes",
        "JSON",
        name="rds_login_attributes",
        doc="Users, and logins that failed or not.",
    ),
    Column(f"{_PROCESS}.name", name="process_name", doc="Process seen by Runtime Monitoring."),
    Column(f"{_PROCESS}.executablePath", name="process_path", doc="Its executable."),
    Column(f"{_PROCESS}.executableSha256", name="process_sha256", doc="SHA-256 of its executable."),
    Column(f"{_PROCESS}.pid", "BIGINT", name="pid", doc="Its process id."),
    Column(f"{_PROCESS}.user", name="process_user", doc="User it ran as."),
    Column(f"{_PROCESS}.lineage", "JSON", name="process_lineage", doc="Processes that started it."),
    Column(
        "service.runtimeDetails.context",
        "JSON",
        name="runtime_context",
        doc="What the process did: files, modules, mounts, sockets.",
    ),
    Column("service.malwareScanDetails", "JSON", name="malware_scan_details", doc="Malware found in an object."),
    Column("service.ebsVolumeScanDetails", "JSON", name="ebs_volume_scan_details", doc="Malware found in volumes."),
    Column(f"{_SEQUENCE}.uid", name="sequence_uid", doc="Attack sequence."),
    Column(f"{_SEQUENCE}.actors", "JSON", name="sequence_actors", doc="Who took part: users, sessions, processes."),
    Column(f"{_SEQUENCE}.resources", "JSON", name="sequence_resources", doc="Resources that took part."),
    Column(f"{_SEQUENCE}.endpoints", "JSON", name="sequence_endpoints", doc="Addresses and domains that took part."),
    Column(f"{_SEQUENCE}.signals", "JSON", name="sequence_signals", doc="Findings and events it was made of."),
    Column(f"{_SEQUENCE}.sequenceIndicators", "JSON", name="sequence_indicators", doc="What made it suspicious."),
    Column(
        f"{_SEQUENCE}.additionalSequenceTypes",
        "JSON",
        name="additional_sequence_types",
        doc="Further kinds of sequence it is.",
    ),
)

RESOURCE_IDS = """list_sort(list_distinct(list_filter(list_concat(
  [s.function_arn, s.task_arn, 'arn:aws:ec2:' || s.region || ':' || s.account_id || ':instance/' || s.instance_id],
  json_extract_string(s.network_interfaces, '$[*].networkInterfaceId'),
  [s.eks_cluster_arn, s.ecs_cluster_arn, s.db_instance_arn, s.db_shard_group_arn, s.container_id],
  [s.snapshot_arn, s.image_arn, s.recovery_point_arn],
  json_extract_string(s.sequence_resources, '$[*].uid'),
  json_extract_string(s.s3_bucket_details, '$[*].arn'),
  json_extract_string(s.s3_bucket_details, '$[*].s3ObjectDetails[*].objectArn')),
lambda r: r IS NOT NULL AND r <> '')))"""
"""ARNs and ids a finding is about."""


def _all_of(column: str, *paths: str) -> str:
    """SQL: the texts at those paths of a JSON column, each once, in order."""
    found = ", ".join(f"json_extract_string({column}, '{path}')" for path in paths)
    return f"list_sort(list_distinct(list_filter(list_concat({found}), lambda r: r IS NOT NULL AND r <> '')))"


def _only(texts: str) -> str:
    """SQL: the one text of a list; NULL where there are none or several."""
    return f"CASE WHEN len({texts}) = 1 THEN {texts}[1] END"


def first(*columns: str) -> str:
    """SQL: the first of those columns that holds something: where there is no IPv4 address, AWS writes an empty text."""
    return "coalesce(" + ", ".join(f"nullif({column}, '')" for column in columns) + ")"


PROBE_REMOTE = _all_of("s.port_probe_details", "$[*].remoteIpDetails.ipAddressV4", "$[*].remoteIpDetails.ipAddressV6")
_PROBE_LOCAL = _all_of("s.port_probe_details", "$[*].localIpDetails.ipAddressV4", "$[*].localIpDetails.ipAddressV6")
_KEYS = _all_of("s.sequence_actors", "$[*].user.credentialUid")
_PRINCIPALS = _all_of("s.sequence_actors", "$[*].user.uid")
_ADDRESSES = _all_of("s.sequence_endpoints", "$[*].ip")

ACCESS_KEY = f"coalesce(nullif(s.access_key_id, ''), {_only('s.sequence_access_key_ids')})"
"""Key a finding is about; of an attack sequence that of its actors, if they have but one."""
API_REMOTE = first("s.api_remote_ip", "s.api_remote_ipv6")
CONNECTION_REMOTE = first("s.connection_remote_ip", "s.connection_remote_ipv6")
_CONNECTION_LOCAL = first("s.connection_local_ip", "s.connection_local_ipv6")
_KUBERNETES_REMOTE = first("s.kubernetes_remote_ip", "s.kubernetes_remote_ipv6", "s.source_ips->>0")
_RDS_REMOTE = first("s.rds_remote_ip", "s.rds_remote_ipv6")
_ACTOR = f"""CASE WHEN regexp_matches({_only(_PRINCIPALS)}, '^A[A-Z0-9]+(:|$)') THEN {_only(_PRINCIPALS)} END"""
_INBOUND = "s.connection_direction = 'INBOUND'"

EVENT = EventMap(
    unique=True,
    version="s.updated_at",
    finding="TRUE",
    columns={
        "event_id": "coalesce(nullif(s.id, ''), s.object_id || '/' || s.record)",
        "time": "coalesce(s.event_first_seen, s.created_at)",
        "end_time": "s.event_last_seen",
        "account_id": "s.account_id",
        "region": "s.region",
        "access_key_id": ACCESS_KEY,
        "action": "'guardduty:' || s.type",
        "resources": "s.resource_ids",
        "source_ip": f"""coalesce({API_REMOTE}, {_KUBERNETES_REMOTE}, {_RDS_REMOTE},
      CASE WHEN {_INBOUND} THEN {CONNECTION_REMOTE} ELSE {_CONNECTION_LOCAL} END,
      s.probe_remote_ips[1], {_only("s.sequence_ips")})""",
        "destination_ip": f"""coalesce(
      CASE WHEN {_INBOUND} THEN {_CONNECTION_LOCAL} ELSE {CONNECTION_REMOTE} END, {_only(_PROBE_LOCAL)})""",
        "severity": "s.severity",
        "user_agent": first("s.user_agent", "s.kubernetes_user_agent"),
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
    columns=COLUMNS,
    event=EVENT,
    identity=IdentityMap(
        {
            "type": "s.user_type",
            "principal_id": f"coalesce(nullif(s.principal_id, ''), {_ACTOR})",
            "account_id": "CASE WHEN s.principal_id IS NOT NULL THEN s.account_id END",
            "user_name": "s.user_name",
        }
    ),
    keys=(r"AWSLogs/(?:o-[a-z0-9]+/)?(?P<account>\d{12})/GuardDuty/(?P<region>[a-z0-9-]+)/\d{4}/\d\d/\d\d/",),
    required=("type", "severity", "resource", "service"),
    claims=claims,
    derived=(
        ("resource_ids", "VARCHAR[]", RESOURCE_IDS),
        ("probe_remote_ips", "VARCHAR[]", PROBE_REMOTE),
        ("sequence_access_key_ids", "VARCHAR[]", _KEYS),
        ("sequence_principal_ids", "VARCHAR[]", _PRINCIPALS),
        ("sequence_ips", "VARCHAR[]", _ADDRESSES),
    ),
    account="s.account_id",
    region="s.region",
    layouts=(trail("GuardDuty", timedelta(hours=12), "updates of a finding every 6 hours"),),
    about=About(
        recognised="the folder GuardDuty of AWSLogs, or JSON with type, severity, resource and service",
        delivered="export to S3 (gzip JSON lines), EventBridge, GetFindings",
        delay="new findings within 5 minutes; updates every 6 hours unless set to 15 minutes or 1 hour",
        minutes=15,
        organisation="delegated administrator exports for all members; accountId is the account",
        cannot_show=(
            BlindSpot("detection", "Archived and suppressed findings: they are not exported."),
            BlindSpot(
                "detection", "The records it judged: GuardDuty reads copies of its own, which the account may not hold."
            ),
            BlindSpot("workload", "The process behind a network or DNS finding, unless Runtime Monitoring is on."),
            BlindSpot(
                "detection",
                "What it judged harmless, did not know, or was told to trust or to suppress: no finding is no proof of peace.",
            ),
        ),
    ),
)
