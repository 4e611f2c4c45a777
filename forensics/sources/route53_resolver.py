"""Route 53 Resolver query logs: names that resources in a VPC asked for, and the answers."""

from collections.abc import Mapping
from datetime import timedelta
from typing import Any

from forensics.key_layout import DAYS, KeyLayout
from forensics.source import About, BlindSpot, Column, EventMap, Source

COLUMNS = (
    Column("version", doc="Version of the log's format.", name="format_version"),
    Column("account_id", doc="Account of the VPC."),
    Column("region", doc="Region of the VPC."),
    Column("vpc_id", doc="VPC the query came from."),
    Column("resource_id", doc="Resource of a Profile, where no VPC is named."),
    Column("query_timestamp", "TIMESTAMP", "When the query came in."),
    Column("query_name", doc="Name asked for, as asked: with a dot at its end, case as sent."),
    Column("query_type", doc="A, AAAA, TXT… or TYPE65."),
    Column("query_class", doc="IN, CH."),
    Column("rcode", doc="NOERROR, NXDOMAIN, SERVFAIL, REFUSED…"),
    Column("answers", "JSON", "Answers: Rdata, Type, Class; an empty list where there are none."),
    Column("srcaddr", doc="Address that asked, in the VPC."),
    Column("srcport", "BIGINT", "Port that asked."),
    Column("transport", doc="UDP, TCP, DoH…"),
    Column("srcids", "JSON", "Ids of what asked; an instance here may not exist in the account (Lambda, Fargate)."),
    Column(
        "srcids.instance",
        doc="Instance that asked; of Lambda, Fargate and CloudShell one that is not yours.",
        name="instance_id",
    ),
    Column("srcids.resolver_endpoint", doc="Inbound endpoint the query came through.", name="resolver_endpoint"),
    Column("srcids.resolver_network_interface", doc="Interface of that endpoint.", name="resolver_network_interface"),
    Column("firewall_rule_group_id", doc="Rule group of DNS Firewall that matched."),
    Column("firewall_rule_action", doc="ALERT or BLOCK of DNS Firewall."),
    Column("firewall_domain_list_id", doc="Domain list of DNS Firewall that matched."),
    Column("additional_properties", "JSON", "Further marks, such as is_delayed of a late record."),
    Column("@logGroup", doc="Log group, of records delivered to CloudWatch Logs."),
)


def claims(record: Mapping[str, Any]) -> bool:
    """A query as Resolver logs it."""
    return {"query_timestamp", "query_name", "srcaddr"} <= record.keys()


SOURCE = Source(
    name="route53_resolver",
    title="Route 53 Resolver query logs",
    reference="Values that appear in VPC Resolver query logs",
    columns=COLUMNS,
    event=EventMap(
        columns={
            "time": "s.query_timestamp",
            "account_id": "s.account_id",
            "region": "s.region",
            "action": "'dns:' || coalesce(s.query_type, 'query')",
            "resources": "list_filter([s.domain, s.vpc_id, s.resource_id], lambda r: r IS NOT NULL)",
            "source_ip": "s.srcaddr",
            "outcome": """CASE
      WHEN s.firewall_rule_action = 'BLOCK' THEN 'denied'
      WHEN s.rcode = 'NOERROR' THEN 'success'
      WHEN s.rcode IS NOT NULL THEN 'error'
    END""",
            "summary": """coalesce(s.srcaddr, '?') || ' asked for ' || coalesce(s.domain, '?') || coalesce(' ' || s.query_type, '')
      || coalesce(': ' || s.rcode, '') || coalesce(' ' || array_to_string(s.answer_data[1:5], ', '), '')
      || coalesce(', ' || s.firewall_rule_action || ' by DNS Firewall', '')""",
        },
    ),
    layouts=(
        KeyLayout(
            f"AWSLogs/{{account}}/vpcdnsquerylogs/{{name}}/{DAYS}",
            timedelta(hours=6),
            "minutes, some late",
            stamped=True,
        ),
    ),
    about=About(
        recognised="the folder vpcdnsquerylogs of AWSLogs, or records with query_name, query_timestamp and srcaddr",
        delivered="S3 (gzip JSON lines), CloudWatch Logs (a stream for each VPC), Firehose",
        delay="minutes; late records are marked is_delayed",
        minutes=10,
        organisation="configurations shared through RAM and Profiles; account_id is the account",
        cannot_show=(
            BlindSpot("names", "Queries answered from the Resolver's cache: only the first of each is logged."),
            BlindSpot("names", "Queries to other resolvers: 8.8.8.8, DNS over HTTPS, servers of one's own."),
            BlindSpot(
                "names", "The Lambda function, task or pod that asked: the instance named may be none of the account's."
            ),
        ),
    ),
    keys=(r"AWSLogs/(?P<account>\d{12})/vpcdnsquerylogs/vpc-[0-9a-z]+/\d{4}/\d\d/\d\d/",),
    claims=claims,
    required=("query_name",),
    in_streams=True,
    derived=(
        ("domain", "VARCHAR", "rtrim(lower(s.query_name), '.')"),
        ("answer_data", "VARCHAR[]", "json_extract_string(s.answers, '$[*].Rdata')"),
    ),
    account="s.account_id",
    region="s.region",
)
