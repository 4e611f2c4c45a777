"""The few calls of CloudTrail that make, change and end things, or open sessions: kept whole, for the stages that read them.

Most of a trail reads and lists. Each stage says by `CALLS_READ` which calls it asks for, an SQL condition on a row of
`cloudtrail` (alias `s`), and reads the table `kept.telling_call` in the place of `cloudtrail`, under its own conditions.
"""

import functools

import duckdb

from forensics import scanned

TABLE = "kept.telling_call"

_COLUMNS = (
    "object_id record event_id event_time event_source event_name aws_region source_ip_address error_code request_id"
    " recipient_account_id shared_event_id identity_key vpc_endpoint_id vpc_endpoint_account_id on_behalf_of_user_id"
    " user_identity user_identity_type user_identity_principal_id user_identity_arn user_identity_account_id"
    " user_identity_access_key_id user_identity_user_name user_identity_invoked_by session_issuer_arn"
    " session_creation_date session_ec2_role_delivery request_parameters response_elements service_event_details"
    " additional_event_data resources"
).split()


@functools.cache
def scan() -> scanned.Scan:
    """Every call that some stage asks for."""
    from forensics import key_class, key_match, login, request_link, workload_call
    from forensics.attribution import networks
    from forensics.workloads import ecs_cards, ecs_named, eks_clusters, service_calls

    asking = (
        workload_call, key_match, key_class, login, request_link, networks, ecs_named, ecs_cards, eks_clusters, service_calls
    )  # fmt: skip
    wanted = "\n  OR ".join(f"({module.CALLS_READ})" for module in asking)
    columns = ", ".join(f"s.{name}" for name in _COLUMNS)
    return scanned.one("telling_call", "cloudtrail", f"SELECT {columns}\nFROM {{rows}} AS s\nWHERE {wanted}")


def take(con: duckdb.DuckDBPyConnection) -> None:
    """Bring `kept.telling_call` up to date."""
    scanned.take(con, scan())
