"""Every record that describes a network interface, brought to one form: the temporary table `interface_card`."""

import duckdb

from forensics import scanned, workload_call
from forensics.arn import SAMPLE
from forensics.each import each, valued
from forensics.interface_marks import service_name
from forensics.sources import ecs_event

_TASK_ID = ecs_event.SOURCE.event.columns.get("event_id", "s.object_id || '/' || s.record")

_MADE = f"""
SELECT c.answer->'$.networkInterface' AS card, c.account_id, c.aws_region AS region, c.moment, c.event_id,
  'made' AS kind, CAST(NULL AS VARCHAR) AS instance_id, c.moment AS born,
  coalesce({service_name("nullif(regexp_extract(c.issuer, ':role/aws-service-role/([^/]+)/', 1), '')")},
    {service_name("c.invoked_by")}, {service_name("c.source_ip_address")}, '') AS maker,
  c.caller_instance AS maker_instance, CAST(NULL AS VARCHAR) AS owner, CAST(NULL AS VARCHAR) AS owner_id,
  c.object_id, c.record
FROM call AS c
WHERE c.event_name = 'CreateNetworkInterface'
"""

_RAN = each("call AS c", "json_extract(c.answer, '$.instancesSet.items[*]')", "item")

_RUN = f"""
SELECT c.card, c.account_id, c.aws_region AS region, c.moment, c.event_id, 'run' AS kind,
  c.item->>'$.instanceId' AS instance_id,
  CASE WHEN NOT coalesce(list_contains(json_extract_string(c.ask, '$.networkInterfaceSet.items[*].networkInterfaceId'),
    c.card->>'$.networkInterfaceId'), FALSE) THEN c.moment END AS born,
  NULL AS maker, NULL AS maker_instance, NULL AS owner, NULL AS owner_id, c.object_id, c.record
FROM {each(f"{_RAN} AS c", "json_extract(c.item, '$.networkInterfaceSet.items[*]')", "card")} AS c
WHERE c.event_name = 'RunInstances'
"""
"""An interface that the request names was there before its instance."""

_ATTACHED = """
SELECT json_object('networkInterfaceId', c.ask->>'$.networkInterfaceId') AS card, c.account_id,
  c.aws_region AS region, c.moment, c.event_id, 'attached' AS kind, c.ask->>'$.instanceId' AS instance_id,
  NULL AS born, NULL AS maker, NULL AS maker_instance, NULL AS owner, NULL AS owner_id, c.object_id, c.record
FROM call AS c
WHERE c.event_name = 'AttachNetworkInterface'
"""

_CONFIGURED = """
SELECT s.configuration AS card, s.aws_account_id AS account_id, s.aws_region AS region,
  s.configuration_item_capture_time AS moment, s.object_id || '/' || s.record AS event_id, 'config' AS kind,
  NULL AS instance_id, s.resource_creation_time AS born, NULL AS maker, NULL AS maker_instance,
  NULL AS owner, NULL AS owner_id, s.object_id, s.record
FROM resource_item AS s
WHERE s.resource_type = 'AWS::EC2::NetworkInterface'
"""

_RESOURCE_INTERFACES = """list_concat(
  json_extract_string(s.configuration, '$.natGatewayAddresses[*].networkInterfaceId'),
  json_extract_string(s.configuration, '$.networkInterfaceIds[*]'))"""

_RESOURCES = f"""
SELECT json_object('networkInterfaceId', s.eni) AS card, s.aws_account_id AS account_id, s.aws_region AS region,
  s.configuration_item_capture_time AS moment, s.object_id || '/' || s.record AS event_id, 'listed' AS kind,
  NULL AS instance_id, NULL AS born, NULL AS maker, NULL AS maker_instance,
  CASE s.resource_type WHEN 'AWS::EC2::NatGateway' THEN 'nat_gateway' ELSE 'vpc_endpoint' END AS owner,
  s.resource_id AS owner_id, s.object_id, s.record
FROM {each("resource_item AS s", _RESOURCE_INTERFACES, "eni")} AS s
WHERE s.resource_type IN ('AWS::EC2::NatGateway', 'AWS::EC2::VPCEndpoint')
"""

_FOUND = f"""
SELECT s.card, s.account_id, s.region, coalesce(s.event_first_seen, s.created_at, s.updated_at) AS moment,
  s.id AS event_id, 'finding' AS kind, s.instance_id, NULL AS born, NULL AS maker, NULL AS maker_instance,
  NULL AS owner, NULL AS owner_id, s.object_id, s.record
FROM {each("{rows} AS s", "json_extract(s.network_interfaces, '$[*]')", "card")} AS s
WHERE NOT {SAMPLE}
"""

_GATEWAY = """
SELECT g.card, g.account_id, g.aws_region AS region, g.moment, g.event_id, 'listed' AS kind,
  NULL AS instance_id, NULL AS born, NULL AS maker, NULL AS maker_instance, 'nat_gateway' AS owner,
  g.gateway->>'$.natGatewayId' AS owner_id, g.object_id, g.record
FROM (
  SELECT c.*, unnest(list_concat(json_extract(c.gateway, '$.natGatewayAddressSet.item[*]'),
    [c.gateway->'$.natGatewayAddressSet.item'])) AS card
  FROM (
    SELECT account_id, aws_region, moment, event_id, object_id, record,
      coalesce(answer->'$.CreateNatGatewayResponse.natGateway', answer->'$.natGateway') AS gateway
    FROM call
    WHERE event_name = 'CreateNatGateway'
  ) AS c
) AS g
"""

_ENDPOINT = """
SELECT json_object('networkInterfaceId', e.eni, 'vpcId', e.endpoint->>'$.vpcId') AS card, e.account_id,
  e.aws_region AS region, e.moment, e.event_id, 'listed' AS kind, NULL AS instance_id, NULL AS born, NULL AS maker,
  NULL AS maker_instance, 'vpc_endpoint' AS owner, e.endpoint->>'$.vpcEndpointId' AS owner_id, e.object_id, e.record
FROM (
  SELECT c.*, unnest(list_concat(json_extract_string(c.endpoint, '$.networkInterfaceIdSet.item[*]'),
    json_extract_string(c.endpoint, '$.networkInterfaceIdSet.items[*]'),
    [c.endpoint->>'$.networkInterfaceIdSet.item'])) AS eni
  FROM (
    SELECT account_id, aws_region, moment, event_id, object_id, record,
      coalesce(answer->'$.CreateVpcEndpointResponse.vpcEndpoint', answer->'$.vpcEndpoint') AS endpoint
    FROM call
    WHERE event_name = 'CreateVpcEndpoint'
  ) AS c
) AS e
"""

_INTERFACE = valued("json_extract(s.attachment, '$.details[*]')", "name", "networkInterfaceId")

_TASK = f"""
SELECT json_object('networkInterfaceId', {_INTERFACE}) AS card, s.account AS account_id, s.region, s.time AS moment, {_TASK_ID} AS event_id, 'listed' AS kind,
  NULL AS instance_id, NULL AS born, NULL AS maker, NULL AS maker_instance, 'ecs_task' AS owner,
  s.attachment->>'$.id' AS owner_id, s.object_id, s.record
FROM {each("{rows} AS s", "json_extract(s.attachments, '$[*]')", "attachment")} AS s
"""

_GROUPS = """list_sort(list_distinct(list_concat(
    json_extract_string(card, '$.groupSet.items[*].groupId'), json_extract_string(card, '$.groupSet.item[*].groupId'),
    json_extract_string(card, '$.groups[*].groupId'), json_extract_string(card, '$.securityGroups[*].groupId'))))"""

_FORM = f"""
SELECT
  card->>'$.networkInterfaceId' AS interface_id,
  account_id, region, moment, event_id, kind, born, maker, maker_instance, owner, owner_id, instance_id,
  card->>'$.attachment.instanceId' AS attached_to,
  card->>'$.attachment.instanceOwnerId' AS instance_owner,
  card->>'$.attachment.attachmentId' AS attachment_id,
  try_cast(card->>'$.attachment.deleteOnTermination' AS BOOLEAN) AS ends_with_instance,
  nullif(card->>'$.description', '') AS description,
  nullif(card->>'$.interfaceType', '') AS interface_type,
  nullif(card->>'$.requesterId', '') AS requester_id,
  try_cast(card->>'$.requesterManaged' AS BOOLEAN) AS requester_managed,
  CASE WHEN try_cast(card->>'$.operator.managed' AS BOOLEAN) THEN card->>'$.operator.principal' END AS operator,
  card->>'$.vpcId' AS vpc_id,
  card->>'$.subnetId' AS subnet_id,
  nullif({_GROUPS}, CAST([] AS VARCHAR[])) AS security_groups,
  coalesce(card->>'$.privateIpAddress', card->>'$.privateIp') AS private_ip,
  nullif(coalesce(card->>'$.association.publicIp', card->>'$.publicIp'), '') AS public_ip,
  CASE WHEN kind IN ('made', 'run') THEN list_concat([card->>'$.privateIpAddress'],
    json_extract_string(card, '$.privateIpAddressesSet.item[*].privateIpAddress'),
    json_extract_string(card, '$.ipv6AddressesSet.item[*].ipv6Address')) END AS addresses,
  object_id, record
FROM (
{{cards}}
) AS c
"""

_CALLED = f"""
WITH call AS MATERIALIZED (
  SELECT s.object_id, s.record,
  {workload_call.CALL_COLUMNS}
  FROM {{rows}} AS s
  WHERE s.event_source = 'ec2.amazonaws.com'
    AND s.event_name IN ('CreateNetworkInterface', 'RunInstances', 'AttachNetworkInterface', 'CreateNatGateway',
      'CreateVpcEndpoint')
    AND coalesce(s.error_code, '') = ''
)
"""

DESCRIBED = scanned.Scan(
    "described_card",
    {
        "cloudtrail": _CALLED + _FORM.format(cards="\nUNION ALL\n".join((_MADE, _RUN, _ATTACHED, _GATEWAY, _ENDPOINT))),
        "ecs_event": _FORM.format(cards=_TASK),
        "guardduty": _FORM.format(cards=_FOUND),
    },
)
"""Records that describe interfaces: the document, when it was so, since when the interface is if it says so, and who
made it; `addresses` are all that the interface had from birth."""

CARDS = f"""(
  SELECT d.*
  FROM {DESCRIBED.table} AS d
  WHERE NOT EXISTS (
    SELECT 1 FROM superseded AS x
    WHERE x.source = 'cloudtrail' AND x.copy_object_id = d.object_id AND x.copy_record = d.record)
)"""
"""What records other than those of AWS Config describe, without further copies."""

_CARD = f"""
CREATE OR REPLACE TEMP TABLE interface_card AS
SELECT * EXCLUDE (instance_id, attached_to, addresses, object_id, record), coalesce(instance_id, attached_to) AS instance_id
FROM (
  SELECT * FROM {CARDS} AS d
  UNION ALL
  SELECT * FROM ({_FORM.format(cards=f"{_CONFIGURED} UNION ALL {_RESOURCES}")}) AS c
) AS c
WHERE starts_with(interface_id, 'eni-')
  AND moment IS NOT NULL
"""


def collect(con: duckdb.DuckDBPyConnection) -> None:
    """Make the temporary table `interface_card`, a row per description; needs `resource_item` of the stage `workload`."""
    scanned.take(con, DESCRIBED)
    con.execute(_CARD)
