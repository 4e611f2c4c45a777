"""The checks: one module per service that writes logs, each holding its CHECKS; one check per log type."""

from __future__ import annotations

import importlib
import pkgutil
from functools import cache

from forensics.readiness.check import Check


@cache
def checks() -> dict[str, Check]:
    """Every check by its name, those that every incident needs first."""
    found: dict[str, Check] = {}
    for module in pkgutil.iter_modules(__path__):
        for item in importlib.import_module(f"{__name__}.{module.name}").CHECKS:
            found[item.name] = item
    known = [name for name in ORDER if name in found]
    return {name: found[name] for name in [*known, *(name for name in found if name not in known)]}


ORDER = (
    *("cloudtrail_management", "cloudtrail_data_s3", "cloudtrail_data_lambda", "cloudtrail_insight"),
    *("cloudtrail_network", "guardduty", "guardduty_features", "guardduty_export", "security_hub", "config_item"),
    *("vpc_flow", "transit_gateway_flow", "route53_resolver", "route53_public", "network_firewall"),
    *("lambda_log", "container_log", "ecs_event", "container_insights", "eks_audit", "pod_log", "host_log"),
    *("ssm_session", "s3_access", "alb", "alb_connection", "nlb", "clb", "cloudfront", "waf", "api_gateway"),
    *("rds_log", "cloudwatch_log", "ocsf"),
)
"""How the table is read: who did what, then networks, then workloads, then what stands before and behind them."""
