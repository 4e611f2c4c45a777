"""Transit Gateway Flow Logs: traffic between attachments, and packets lost on the way."""

import re
from collections.abc import Sequence
from datetime import timedelta

from forensics.key_layout import flow
from forensics.source import About, BlindSpot, Column, EventMap, LogStream, Source

DEFAULT = (
    "version resource-type account-id tgw-id tgw-attachment-id tgw-src-vpc-account-id tgw-dst-vpc-account-id tgw-src-vpc-id"
    " tgw-dst-vpc-id tgw-src-subnet-id tgw-dst-subnet-id tgw-src-eni tgw-dst-eni tgw-src-az-id tgw-dst-az-id"
    " tgw-pair-attachment-id srcaddr dstaddr srcport dstport protocol packets bytes start end log-status type"
    " packets-lost-no-route packets-lost-blackhole packets-lost-mtu-exceeded packets-lost-ttl-expired tcp-flags region"
    " flow-direction pkt-src-aws-service pkt-dst-aws-service"
).split()

COLUMNS = (
    Column("version", "BIGINT", "Version of the format: 6."),
    Column("resource-type", doc="TransitGateway or TransitGatewayAttachment."),
    Column("account-id", doc="Owner of the transit gateway."),
    Column("tgw-id", doc="Transit gateway."),
    Column("tgw-attachment-id", doc="Attachment that recorded the traffic."),
    Column("tgw-src-vpc-account-id", doc="Account of the VPC the traffic came from."),
    Column("tgw-dst-vpc-account-id", doc="Account of the VPC the traffic went to."),
    Column("tgw-src-vpc-id", doc="VPC the traffic came from."),
    Column("tgw-dst-vpc-id", doc="VPC the traffic went to."),
    Column("tgw-src-subnet-id", doc="Subnet of the source's attachment."),
    Column("tgw-dst-subnet-id", doc="Subnet of the destination's attachment."),
    Column("tgw-src-eni", doc="Interface of the source's attachment, not of the workload."),
    Column("tgw-dst-eni", doc="Interface of the destination's attachment, not of the workload."),
    Column("tgw-src-az-id", doc="Availability Zone of the source's attachment."),
    Column("tgw-dst-az-id", doc="Availability Zone of the destination's attachment."),
    Column("tgw-pair-attachment-id", doc="Attachment at the other side."),
    Column("srcaddr", doc="Source address of the packet."),
    Column("dstaddr", doc="Destination address of the packet."),
    Column("srcport", "BIGINT", "Source port."),
    Column("dstport", "BIGINT", "Destination port."),
    Column("protocol", "BIGINT", "IANA number: 6 TCP, 17 UDP, 1 ICMP."),
    Column("packets", "BIGINT", "Packets in the interval."),
    Column("bytes", "BIGINT", "Bytes in the interval."),
    Column("start", "TIMESTAMP", "First packet of the aggregation interval.", epoch="s"),
    Column("end", "TIMESTAMP", "Last packet of the aggregation interval.", epoch="s"),
    Column("log-status", doc="OK, NODATA (no traffic), SKIPDATA (records lost)."),
    Column("type", doc="IPv4 or IPv6."),
    Column("packets-lost-no-route", "BIGINT", "Packets lost for want of a route."),
    Column("packets-lost-blackhole", "BIGINT", "Packets lost in a black hole route."),
    Column("packets-lost-mtu-exceeded", "BIGINT", "Packets lost because they were too large."),
    Column("packets-lost-ttl-expired", "BIGINT", "Packets lost because their time to live ended."),
    Column("tcp-flags", "BIGINT", "OR of the flags: FIN 1, SYN 2, RST 4, PSH 8, ACK 16, URG 32."),
    Column("region", doc="Region of the transit gateway."),
    Column("flow-direction", doc="ingress or egress, seen from the transit gateway."),
    Column("pkt-src-aws-service", doc="AWS service of the source's address range."),
    Column("pkt-dst-aws-service", doc="AWS service of the destination's address range."),
)

_STREAM = re.compile(r"^tgw-[0-9a-z-]+$")


def claims_line(fields: Sequence[str]) -> bool:
    """A line of the default format: version 6 and a transit gateway."""
    return fields[0] == "6" and fields[3].startswith("tgw-")


def claims_stream(stream: LogStream, message: str) -> bool:
    """A stream named after a transit gateway or an attachment; of one without a name, lines in the default format."""
    fields = message.split()
    fits = len(fields) == len(DEFAULT) and claims_line(fields)
    return fits and (stream.log_stream is None or bool(_STREAM.match(stream.log_stream)))


SOURCE = Source(
    name="transit_gateway_flow",
    title="Transit Gateway Flow Logs",
    reference="Transit Gateway Flow Logs records",
    columns=COLUMNS,
    event=EventMap(
        evidence=True,
        columns={
            "time": "s.start",
            "end_time": 's."end"',
            "account_id": "coalesce(s.account_id, e.account_id)",
            "region": "coalesce(s.region, e.region)",
            "action": "'transit_gateway_flow:' || lower(coalesce(s.log_status, 'traffic'))",
            "resources": "list_filter([s.tgw_id, s.tgw_attachment_id, s.tgw_src_vpc_id, s.tgw_dst_vpc_id], lambda r: r IS NOT NULL)",
            "source_ip": "s.srcaddr",
            "destination_ip": "s.dstaddr",
            "bytes": "s.bytes",
            "summary": """CASE
      WHEN s.log_status IN ('NODATA', 'SKIPDATA') THEN s.log_status || ' on ' || coalesce(s.tgw_attachment_id, s.tgw_id, '?')
      ELSE coalesce(s.srcaddr, '?') || coalesce(':' || s.srcport, '') || ' to ' || coalesce(s.dstaddr, '?')
        || coalesce(':' || s.dstport, '') || coalesce(', ' || s.bytes || ' bytes', '')
        || coalesce(', ' || s.tgw_src_vpc_id || ' to ' || s.tgw_dst_vpc_id, '')
    END""",
        },
    ),
    layouts=flow(timedelta(hours=6), "10 minutes of aggregation, about 10 of delivery; best effort"),
    about=About(
        recognised="a header of its fields, lines of the default format; the folder is that of VPC Flow Logs",
        delivered="S3 (gzip text with a header, Parquet), CloudWatch Logs, Firehose",
        delay="aggregation of 1 or 10 minutes, then about 5 to 10 minutes; best effort",
        minutes=20,
        organisation="none of its own; account-id is the transit gateway's owner",
        cannot_show=(
            BlindSpot("traffic", "Whether traffic was let through: it has no action, only packets lost."),
            BlindSpot("traffic", "The interface of the workload: it names those of attachments."),
        ),
    ),
    default_header=tuple(DEFAULT),
    claims_line=claims_line,
    claims_stream=claims_stream,
    account="s.account_id",
    region="s.region",
)
