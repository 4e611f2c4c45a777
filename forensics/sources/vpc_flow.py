"""VPC Flow Logs: which interface spoke with whom, how much, and whether it was let through."""

import re
from collections.abc import Sequence
from datetime import timedelta

from forensics.key_layout import flow
from forensics.source import About, BlindSpot, Column, EventMap, LogStream, Source

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
    Column("srcport", "BIGINT", doc="Source port."),
    Column("dstport", "BIGINT", doc="Destination port."),
    Column("protocol", "BIGINT", "IANA number: 6 TCP, 17 UDP, 1 ICMP."),
    Column("packets", "BIGINT", doc="Packets in the interval."),
    Column("bytes", "BIGINT", doc="Bytes in the interval."),
    Column("start", "TIMESTAMP", "First packet of the aggregation interval.", epoch="s"),
    Column("end", "TIMESTAMP", "Last packet of the aggregation interval.", epoch="s"),
    Column("action", doc="ACCEPT or REJECT."),
    Column("log-status", doc="OK, NODATA (no traffic), SKIPDATA (records lost)."),
    Column("vpc-id", doc="VPC of the interface."),
    Column("subnet-id", doc="Subnet of the interface."),
    Column("instance-id", doc="Instance of the own account the interface is attached to."),
    Column(
        "tcp-flags",
        "BIGINT",
        doc="OR of the flags over the interval: FIN 1, SYN 2, RST 4, SYN-ACK 18; 0 in the middle of a long flow.",
    ),
    Column("type", doc="IPv4, IPv6, EFA."),
    Column("pkt-srcaddr", doc="Source of the packet itself, behind a NAT or on a node."),
    Column("pkt-dstaddr", doc="Destination of the packet itself, behind a NAT or on a node."),
    Column("region", doc="Region of the interface."),
    Column("az-id", doc="Availability Zone id."),
    Column("sublocation-type", doc="wavelength, outpost, localzone."),
    Column("sublocation-id", doc="Id of that sublocation."),
    Column("pkt-src-aws-service", doc="AWS service of the source's address range; EC2 may be anybody's."),
    Column("pkt-dst-aws-service", doc="AWS service of the destination's address range; EC2 may be anybody's."),
    Column("flow-direction", doc="ingress or egress, seen from the interface."),
    Column("traffic-path", "BIGINT", "How egress left: 8 internet gateway, 2 that or a gateway endpoint."),
    Column("ecs-cluster-arn", doc="ECS cluster of the task the traffic came from."),
    Column("ecs-cluster-name", doc="Its name."),
    Column("ecs-container-instance-arn", doc="Container instance of the task; not on Fargate."),
    Column("ecs-container-instance-id", doc="Its id."),
    Column("ecs-container-id", doc="Docker id of the first container: the order is not guaranteed."),
    Column("ecs-second-container-id", doc="Docker id of the second container."),
    Column("ecs-service-name", doc="ECS service of the task."),
    Column("ecs-task-definition-arn", doc="Task definition of the task."),
    Column("ecs-task-arn", doc="ECS task the traffic came from; may lag a day."),
    Column("ecs-task-id", doc="Its id."),
    Column("reject-reason", doc="BPA (block public access), EC (encryption controls); NULL: any other reason."),
    Column("resource-id", doc="Regional NAT gateway."),
    Column("encryption-status", "BIGINT", doc="0 none, 1 Nitro, 2 by the application (assumed from port 443), 3 both."),
    Column("instance-tag", doc="Tag of the instance, percent-encoded."),
    Column("instance-tag-2", doc="Second tag of the instance."),
    Column("interface-tag", doc="Tag of the interface, percent-encoded."),
    Column("interface-tag-2", doc="Second tag of the interface."),
    Column("asg-tag", doc="Tag of the Auto Scaling group."),
    Column("asg-tag-2", doc="Second tag of the Auto Scaling group."),
    Column("interface-type", doc="nat_gateway, network_load_balancer, transit_gateway, vpc_endpoint…"),
    Column("next-hop-interface-id", doc="Interface of the next hop."),
    Column("next-hop-subnet-id", doc="Subnet of the next hop."),
    Column("next-hop-az-id", doc="Availability Zone of the next hop."),
    Column("next-hop-vpc-id", doc="VPC of the next hop."),
    Column("next-hop-interface-type", doc="Kind of the next hop."),
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
    columns=COLUMNS,
    event=EventMap(
        evidence=True,
        named_by=("interface_id", "resource_id", "ecs_task_arn", "instance_id"),
        columns={
            "time": "s.start",
            "end_time": 's."end"',
            "account_id": "coalesce(nullif(s.account_id, 'unknown'), e.account_id)",
            "region": "coalesce(s.region, e.region)",
            "action": "'vpc_flow:' || lower(coalesce(s.action, s.log_status, 'traffic'))",
            "resources": """CASE
      WHEN s.resource_id IS NOT NULL
        THEN list_filter([s.interface_id, s.resource_id, s.ecs_task_arn, s.instance_id], lambda r: r IS NOT NULL)
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
    layouts=flow(timedelta(hours=6), "10 minutes of aggregation, about 10 of delivery; best effort"),
    about=About(
        recognised="the folder vpcflowlogs of AWSLogs, a header of its fields, lines of the default format",
        delivered="S3 (gzip text with a header, Parquet), CloudWatch Logs, Firehose",
        delay="aggregation of 1 or 10 minutes, then about 5 minutes (CloudWatch Logs) or 10 (S3); best effort",
        minutes=20,
        organisation="none of its own; account-id is the account",
        cannot_show=(
            BlindSpot(
                "traffic",
                "The Amazon DNS server, instance metadata, time sync, DHCP, and task and pod credential endpoints.",
            ),
            BlindSpot("traffic", "The public address of an interface, names asked for, payload, and the process."),
            BlindSpot("traffic", "Rejected traffic, where only accepted traffic is logged; records lost (SKIPDATA)."),
            BlindSpot(
                "traffic",
                "Who was at a private address before and after a NAT, save in pkt-srcaddr and pkt-dstaddr; functions outside a VPC.",
            ),
        ),
    ),
)
