"""Calls that make, change, end and show workloads: the temporary table `workload_call`."""

import duckdb

from forensics import described, telling
from forensics.sources.cloudtrail import EVENT as CALL

LAMBDA_CREATE = r"^CreateFunction[0-9]*$"
LAMBDA_DELETE = r"^DeleteFunction[0-9]*$"
LAMBDA_CONFIGURE = (
    r"^(?:CreateFunction|UpdateFunctionCode|UpdateFunctionConfiguration|PublishVersion)"
    r"(?:[0-9]{8}(?:v[0-9])?)?$"
)
"""Names of the calls with their date suffixes; CreateFunctionUrlConfig and its like are other calls."""
EC2_CALLS = (
    "RunInstances",
    "StartInstances",
    "StopInstances",
    "TerminateInstances",
    "BidEvictedEvent",
    "CreateNetworkInterface",
    "AttachNetworkInterface",
    "DetachNetworkInterface",
    "DeleteNetworkInterface",
    "AssignPrivateIpAddresses",
    "UnassignPrivateIpAddresses",
    "AssignIpv6Addresses",
    "UnassignIpv6Addresses",
    "ModifyNetworkInterfaceAttribute",
    "AllocateAddress",
    "AssociateAddress",
    "DisassociateAddress",
    "ReleaseAddress",
    "CreateNatGateway",
    "DeleteNatGateway",
    "AssociateNatGatewayAddress",
    "DisassociateNatGatewayAddress",
    "CreateVpcEndpoint",
)
"""Calls that start and end instances and gateways, and what moves interfaces and addresses between them."""


CALLS_READ = rf"""(s.event_source = 'lambda.amazonaws.com'
      AND regexp_matches(s.event_name, '{LAMBDA_CONFIGURE}|{LAMBDA_DELETE}'))
    OR (s.event_source = 'kms.amazonaws.com' AND s.event_name = 'Decrypt' AND coalesce(s.error_code, '') = ''
      AND 'lambda.amazonaws.com' IN (s.source_ip_address, s.user_identity_invoked_by))
    OR (s.event_source = 'ec2.amazonaws.com'
      AND s.event_name IN ({", ".join(f"'{name}'" for name in EC2_CALLS)}))"""
"""Which calls make, change, end and show workloads."""

CALL_COLUMNS = f"""{CALL.columns["event_id"]} AS event_id,
  s.event_time AS moment,
  s.event_source,
  s.event_name,
  s.aws_region,
  s.recipient_account_id AS account_id,
  s.source_ip_address,
  s.user_identity_invoked_by AS invoked_by,
  s.session_issuer_arn AS issuer,
  CASE WHEN s.session_ec2_role_delivery <> '' THEN regexp_extract(s.user_identity_principal_id, ':(i-[0-9a-f]+)$', 1)
    END AS caller_instance,
  s.request_parameters AS ask,
  s.response_elements AS answer,
  s.service_event_details AS details"""
"""The columns of `workload_call`, from a row of `cloudtrail` (alias `s`)."""

_CALL = f"""
CREATE OR REPLACE TEMP TABLE workload_call AS
SELECT
  {CALL_COLUMNS}
FROM {telling.TABLE} AS s
WHERE coalesce(s.error_code, '') = ''
  AND NOT EXISTS (
    SELECT 1 FROM superseded AS x
    WHERE x.source = 'cloudtrail' AND x.copy_object_id = s.object_id AND x.copy_record = s.record)
  AND ({CALLS_READ})
"""


def collect(con: duckdb.DuckDBPyConnection) -> None:
    """Make the temporary table `workload_call` and `resource_item`, what AWS Config and inventories describe."""
    telling.take(con)
    con.execute(_CALL)
    described.collect(con)
