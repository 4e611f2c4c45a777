"""The remedies: modules that each hold REMEDIES; their order is by what they are worth to an investigation."""

from __future__ import annotations

from functools import cache

from forensics.readiness.remedies import edge, network, store, trail, watch, workload
from forensics.readiness.remedy import Remedy


@cache
def remedies() -> tuple[Remedy, ...]:
    """Every remedy, the worthiest first."""
    found = {item.name: item for module in (store, trail, watch, network, workload, edge) for item in module.REMEDIES}
    return tuple(found[name] for name in [*ORDER, *(name for name in found if name not in ORDER)])


ORDER = (
    *("log_bucket", "trail", "recursive", "guardduty", "eks_control_plane", "flow_logs", "config", "ecs_events"),
    *("container_driver", "resolver", "guardduty_export", "retention", "lambda_json"),
)
"""What every answer needs first, what is cheap, then what some answers need."""

NONE = {
    ("host_log", "off"): "an agent on the host, which no API switches on",
    ("pod_log", "off"): "an add-on in the cluster: see the page of the log type",
    ("lambda_log", "no_group"): "the group comes with the first run; the role needs logs:CreateLogGroup",
    ("lambda_log", "off"): "the group comes with the first run; the role needs logs:CreateLogGroup",
    ("cloudwatch_log", "off"): "a log group is there or it is not",
    ("vpc_flow", "not_delivered"): "the destination's policy refuses: see the flow log's error message",
    ("guardduty_export", "not_delivered"): "the bucket's or the key's policy refuses",
    ("config_item", "not_delivered"): "the bucket's policy refuses",
    ("cloudtrail_management", "not_delivered"): "the bucket's or the key's policy refuses: see the trail's status",
}
"""What no text of a plan closes, and why."""
