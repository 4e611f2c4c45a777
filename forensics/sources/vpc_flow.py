"""VPC Flow Logs: which interface spoke with whom, how much, and whether it was let through."""

import re
from collections.abc import Sequence

from forensics.source import Column, EventMap, LogStream, Source

DEFAULT = (
    "version",
    "account-id",
    "interface-id",
    "srcaddr",
    "dstaddr",
    "srcport",
    "dstport",
    "protocol",
    "packets",
    "bytes",
    "start",
    "end",
    "action",
    "log-status",
)
"""Version 2, the format of lines without a header."""

COLUMNS = (
    Column("version", "BIGINT", "Highest version among the chosen fields."),
    Column("account-id", doc="Owner of the interface; may be unknown."),
    Column("interface-id", doc="Interface that recorded the traffic."),
    Column("srcaddr", doc="Of outbound traffic the interface's primary private address."),
    Column("dstaddr", doc="Of inbound traffic the interface's primary private address."),
    Column("srcport", "BIGINT"),
    Column("dstport", "BIGINT"),
    Column("protocol", "BIGINT", "IANA number: 6 TCP, 17 UDP, 1 ICMP."),
    Column("packets", "BIGINT"),
    Column("bytes", "BIGINT"),
    Column("start", "TIMESTAMP", "First packet of the aggregation interval.", epoch="s"),
    Column("end", "TIMESTAMP", "Last packet of the aggregation interval.", epoch="s"),
    Column("action", doc="ACCEPT or REJECT."),
    Column("log-status", doc="OK, NODATA (no traffic), SKIPDATA (records lost)."),
    Column("vpc-id"),
    Column("subnet-id"),
    Column("instance-id", doc="Instance of the own account the interface is attached to."),
    Column("tcp-flags", "BIGINT"),
    Column("type", doc="IPv4, IPv6, EFA."),
    Column("pkt-srcaddr", doc="Source of the packet itself, behind a NAT or on a node."),
    Column("pkt-dstaddr"),
    Column("region"),
    Column("az-id"),
    Column("sublocation-type"),
    Column("sublocation-id"),
    Column("pkt-src-aws-service"),
    Column("pkt-dst-aws-service"),
    Column("flow-direction", doc="ingress or egress, seen from the interface."),
    Column("traffic-path", "BIGINT", "How egress left: 8 internet gateway, 2 that or a gateway endpoint."),
    Column("ecs-cluster-arn"),
    Column("ecs-cluster-name"),
    Column("ecs-container-instance-arn"),
    Column("ecs-container-instance-id"),
    Column("ecs-container-id"),
    Column("ecs-second-container-id"),
    Column("ecs-service-name"),
    Column("ecs-task-definition-arn"),
    Column("ecs-task-arn"),
    Column("ecs-task-id"),
    Column("reject-reason"),
    Column("resource-id"),
    Column("encryption-status", "BIGINT"),
    Column("instance-tag"),
    Column("instance-tag-2"),
    Column("interface-tag"),
    Column("interface-tag-2"),
    Column("asg-tag"),
    Column("asg-tag-2"),
    Column("interface-type"),
    Column("next-hop-interface-id"),
    Column("next-hop-subnet-id"),
    Column("next-hop-az-id"),
    Column("next-hop-vpc-id"),
    Column("next-hop-interface-type"),
)

_STREAM = re.compile(r"^eni-[0-9a-f]+-(?:all|accept|reject)$")


def claims_line(fields: Sequence[str]) -> bool:
    """A line of the default format: version 2, and a status AWS knows."""
    return fields[0] == "2" and fields[-1] in ("OK", "NODATA", "SKIPDATA")


def claims_stream(stream: LogStream, message: str) -> bool:
    """A stream of flow records: named after an interface; of one without a name, lines in the default format."""
    if stream.log_stream is not None:
        return bool(_STREAM.match(stream.log_stream))
    fields = message.split()
    return len(fields) == len(DEFAULT) and claims_line(fields)


SOURCE = Source(
    name="vpc_flow",
    title="VPC Flow Logs, versions 2 to 11",
    reference="Flow log records",
    shape="fields",
    columns=COLUMNS,
    event=EventMap(
        evidence=True,
        columns={
            "time": "s.start",
            "end_time": 's."end"',
            "account_id": "coalesce(nullif(s.account_id, 'unknown'), e.account_id)",
            "region": "coalesce(s.region, e.region)",
            "action": "'vpc_flow:' || lower(coalesce(s.action, s.log_status, 'traffic'))",
            "resources": """CASE
      WHEN s.interface_id IS NULL AND s.instance_id IS NOT NULL THEN [s.instance_id]
      WHEN s.interface_id IS NULL THEN NULL
      WHEN s.ecs_task_arn IS NOT NULL THEN [s.interface_id, s.ecs_task_arn]
      WHEN s.instance_id IS NOT NULL THEN [s.interface_id, s.instance_id]
      ELSE [s.interface_id]
    END""",
            "source_ip": "s.srcaddr",
            "destination_ip": "s.dstaddr",
            "outcome": "CASE s.action WHEN 'ACCEPT' THEN 'accept' WHEN 'REJECT' THEN 'reject' END",
            "bytes": "s.bytes",
            "summary": """CASE
      WHEN s.log_status IN ('NODATA', 'SKIPDATA') THEN s.log_status || ' on ' || coalesce(s.interface_id, 'no interface')
      ELSE coalesce(s.srcaddr, '?') || coalesce(':' || s.srcport, '') || ' to ' || coalesce(s.dstaddr, '?')
        || coalesce(':' || s.dstport, '') || coalesce(', ' || s.bytes || ' bytes', '') || coalesce(', ' || s.action, '')
    END""",
        },
    ),
    keys=(
        r"AWSLogs/(?:o-[a-z0-9]+/)?(?P<account>\d{12})/vpcflowlogs/(?P<region>[a-z0-9-]+)/\d{4}/",
        r"aws-account-id=(?P<account>\d{12})/aws-service=vpcflowlogs/aws-region=(?P<region>[a-z0-9-]+)/",
        r"(?P<account>\d{12})_vpcflowlogs_(?P<region>[a-z0-9-]+)_fl-",
    ),
    default_header=DEFAULT,
    claims_line=claims_line,
    claims_stream=claims_stream,
    account="nullif(s.account_id, 'unknown')",
    region="s.region",
)
