"""Networks: flow logs with every field, names that were asked for, firewalls."""

from __future__ import annotations

from collections.abc import Sequence

from forensics.readiness.checks.vpc_flow import FORMAT
from forensics.readiness.quoting import comment, hcl, label, shell
from forensics.readiness.remedy import OFF, Remedy, Target, names, regions

_NOTE = (
    "the format of a flow log cannot be changed: make the new one first, then delete the old one; for ECS fields who makes"
    " it needs ecs:List* rights"
)


def _flow(targets: Sequence[Target]) -> str:
    made = [comment(_NOTE)]
    for region, name in names(targets):
        resource = "transit_gateway_id      " if name.startswith("tgw-") else "vpc_id                  "
        traffic = "" if name.startswith("tgw-") else '  traffic_type             = "ALL"\n'
        log_format = "" if name.startswith("tgw-") else f"  log_format               = {hcl(FORMAT)}\n"
        made.append(
            f'resource "aws_flow_log" "{label(region, name)}" {{\n  region                   = {hcl(region)}\n'
            f"  {resource} = {hcl(name)}\n{traffic}"
            '  log_destination_type     = "s3"\n  log_destination          = "arn:aws:s3:::${var.log_bucket}"\n'
            f"  max_aggregation_interval = 60\n{log_format}"
            '  destination_options {\n    file_format        = "parquet"\n    per_hour_partition = true\n  }\n}'
        )
    return "\n".join(made)


def _flow_cli(targets: Sequence[Target]) -> str:
    made = [comment(_NOTE)]
    for region, name in names(targets):
        gateway = name.startswith("tgw-")
        kind = "TransitGateway" if gateway else "VPC --traffic-type ALL"
        log_format = "" if gateway else f" \\\n  --log-format {shell(FORMAT)}"
        made.append(
            f"aws ec2 create-flow-logs --region {shell(region)} --resource-ids {shell(name)} --resource-type {kind} \\\n"
            '  --log-destination-type s3 --log-destination "arn:aws:s3:::$LOG_BUCKET" --max-aggregation-interval 60 \\\n'
            f"  --destination-options FileFormat=parquet,PerHourPartition=true{log_format}"
        )
    return "\n".join(made)


def _resolver(targets: Sequence[Target]) -> str:
    made = []
    for region in regions(targets):
        own = label("resolver", region)
        made.append(
            f'resource "aws_route53_resolver_query_log_config" "{own}" {{\n  region          = {hcl(region)}\n'
            '  name            = "all-vpcs"\n  destination_arn = "arn:aws:s3:::${var.log_bucket}"\n}'
        )
        made += [
            f'resource "aws_route53_resolver_query_log_config_association" "{label(region, name)}" {{\n'
            f"  region                       = {hcl(region)}\n"
            f"  resolver_query_log_config_id = aws_route53_resolver_query_log_config.{own}.id\n"
            f"  resource_id                  = {hcl(name)}\n}}"
            for place, name in names(targets)
            if place == region
        ]
    return "\n".join(made)


def _resolver_cli(targets: Sequence[Target]) -> str:
    made = []
    for region in regions(targets):
        made.append(
            f"id=$(aws route53resolver create-resolver-query-log-config --region {shell(region)} --name all-vpcs \\\n"
            '  --destination-arn "arn:aws:s3:::$LOG_BUCKET" --creator-request-id all-vpcs'
            " --query ResolverQueryLogConfig.Id --output text)"
        )
        made += [
            f"aws route53resolver associate-resolver-query-log-config --region {shell(region)}"
            f' --resolver-query-log-config-id "$id" \\\n  --resource-id {shell(name)}'
            for place, name in names(targets)
            if place == region
        ]
    return "\n".join(made)


def _firewall(targets: Sequence[Target]) -> str:
    return "\n".join(
        f'resource "aws_networkfirewall_logging_configuration" "{label(region, name)}" {{\n  region       = {hcl(region)}\n'
        f'  firewall_arn = "REPLACE-WITH-ARN" {comment("of " + name)}\n  logging_configuration {{\n'
        + "\n".join(
            f'    log_destination_config {{\n      log_type             = "{kind}"\n      log_destination_type = "S3"\n'
            "      log_destination = {\n        bucketName = var.log_bucket\n      }\n    }"
            for kind in ("FLOW", "ALERT", "TLS")
        )
        + "\n  }\n}"
        for region, name in names(targets)
    )


def _firewall_cli(targets: Sequence[Target]) -> str:
    made = [comment("one destination an update: run it for FLOW, then with ALERT added, then with TLS added")]
    made += [
        f"aws network-firewall update-logging-configuration --region {shell(region)} --firewall-name {shell(name)} \\\n"
        '  --logging-configuration "{\\"LogDestinationConfigs\\":[{\\"LogType\\":\\"FLOW\\",\\"LogDestinationType\\":\\"S3\\",'
        '\\"LogDestination\\":{\\"bucketName\\":\\"$LOG_BUCKET\\"}}]}"'
        for region, name in names(targets)
    ]
    return "\n".join(made)


def _zones(targets: Sequence[Target]) -> str:
    return "\n".join(
        f'resource "aws_route53_query_log" "{label(name)}" {{\n  zone_id                  = "REPLACE-WITH-ID" {comment("of " + name)}\n'
        '  cloudwatch_log_group_arn = "REPLACE-WITH-ARN" # in us-east-1, named /aws/route53/ZONE\n}'
        for _, name in names(targets)
    )


def _zones_cli(targets: Sequence[Target]) -> str:
    return "\n".join(
        "aws route53 create-query-logging-config --cloud-watch-logs-log-group-arn REPLACE-WITH-ARN \\\n"
        f'  --hosted-zone-id "$(aws route53 list-hosted-zones-by-name --dns-name {shell(name)}'
        " --query 'HostedZones[0].Id' --output text)\""
        for _, name in names(targets)
    )


REMEDIES = (
    Remedy(
        "flow_logs",
        "Flow logs of every VPC, to S3, every minute, with ECS and pkt fields",
        "the only record of what was spoken with and how much left; ECS fields name the task, pkt fields the pod and what is"
        " behind a NAT gateway; what was not in the format then is never known",
        {
            "vpc_flow": (OFF, "no_ecs_fields", "no_pkt_fields", "coarse", "narrowed"),
            "transit_gateway_flow": (OFF,),
        },
        _flow,
        _flow_cli,
    ),
    Remedy(
        "resolver",
        "Resolver query logs of every VPC",
        "names of command servers, and data that leaves in names, show nowhere else",
        {"route53_resolver": (OFF,)},
        _resolver,
        _resolver_cli,
    ),
    Remedy(
        "network_firewall",
        "Flow, alert and TLS logs of firewalls",
        "a firewall that logs nothing says nothing of what it let through",
        {"network_firewall": (OFF,)},
        _firewall,
        _firewall_cli,
    ),
    Remedy(
        "public_zones",
        "Query logs of public zones",
        "who asked for your names: of use where a zone is abused; otherwise last",
        {"route53_public": (OFF,)},
        _zones,
        _zones_cli,
    ),
)
