"""Network interfaces and whose they are by their own marks: what made them, and what uses them.

A description is written by whoever makes an interface. It is believed where AWS made it: a service called for it or
manages it, or the instance it is attached to is AWS's own.
"""

import duckdb

from forensics import interface_card, running
from forensics.interface_marks import (
    ALIAS,
    service_name,
    service_owner,
    text_id,
    text_owner,
    text_services,
    type_owner,
)

_MARKED = """
CREATE OR REPLACE TEMP TABLE interface_marked AS
WITH whole AS (
  SELECT
    interface_id,
    min(account_id) AS account_id,
    min(region) AS region,
    arg_max(vpc_id, (moment, event_id, vpc_id)) FILTER (vpc_id IS NOT NULL) AS vpc_id,
    arg_max(subnet_id, (moment, event_id, subnet_id)) FILTER (subnet_id IS NOT NULL) AS subnet_id,
    arg_max(security_groups, (moment, event_id, security_groups)) FILTER (security_groups IS NOT NULL)
      AS security_groups,
    arg_min(private_ip, (moment, event_id, private_ip)) FILTER (private_ip IS NOT NULL) AS private_ip,
    arg_max(public_ip, (moment, event_id, public_ip)) FILTER (public_ip IS NOT NULL) AS public_ip,
    arg_min(description, (moment, event_id, description)) FILTER (description IS NOT NULL) AS description,
    arg_min(interface_type, (moment, event_id, interface_type)) FILTER (interface_type IS NOT NULL)
      AS interface_type,
    arg_min(requester_id, (moment, event_id, requester_id)) FILTER (requester_id IS NOT NULL) AS requester_id,
    coalesce(bool_or(requester_managed), FALSE) AS requester_managed,
    max(operator) AS operator,
    max(maker) AS maker,
    max(maker_instance) AS maker_instance,
    min(owner) AS listed_owner,
    min(owner_id) AS listed_id,
    arg_max(instance_id, (moment, event_id, instance_id)) FILTER (instance_id IS NOT NULL) AS instance_id,
    max(instance_owner) AS instance_owner,
    arg_max(ends_with_instance, (moment, event_id)) FILTER (ends_with_instance IS NOT NULL) AS ends_with_instance,
    bool_or(kind = 'run' AND born IS NOT NULL) AS made_with_instance,
    min(born) AS born,
    min(moment) AS first_seen,
    list_sort(list_distinct(list_concat([arg_min(event_id, (moment, event_id)), arg_max(event_id, (moment, event_id))],
      list(DISTINCT event_id) FILTER (born IS NOT NULL AND kind <> 'config')))) AS evidence_event_ids
  FROM interface_card
  GROUP BY interface_id
)
SELECT w.*, nullif(regexp_extract(p.principal, ':role/aws-service-role/([^/]+)/', 1), '') AS linked_service
FROM whole AS w
LEFT JOIN (
  SELECT unique_id, min(principal) AS principal
  FROM principal
  WHERE unique_id IS NOT NULL
  GROUP BY unique_id
) AS p ON p.unique_id = split_part(w.requester_id, ':', 1)
"""

_READ = f"""
CREATE OR REPLACE TEMP TABLE interface_read AS
SELECT *,
  {service_name("operator")} AS operating,
  {type_owner("interface_type")} AS typed,
  {text_owner("description")} AS told,
  coalesce({service_name("linked_service")}, nullif(maker, '')) AS making,
  nullif(regexp_extract(requester_id, '{ALIAS}', 1), '') AS requesting,
  regexp_matches(coalesce(instance_owner, ''), '{ALIAS}') AS on_alias,
  regexp_matches(coalesce(instance_owner, ''), '^[0-9]{{12}}$') AND instance_owner <> account_id AS on_foreign
FROM interface_marked
"""

_JUDGED = f"""
CREATE OR REPLACE TEMP TABLE interface_judged AS
SELECT *,
  list_contains({text_services("told")}, making) AS by_its_service,
  made_with_instance OR coalesce(NOT list_contains({text_services("told")}, maker), FALSE)
    OR regexp_matches(coalesce(requester_id, ''), '^AIDA') OR coalesce(requester_id = account_id, FALSE)
    AS by_somebody,
  {service_owner("requesting")} AS requested
FROM interface_read
"""

_BELIEVED = """
CREATE OR REPLACE TEMP TABLE interface_believed AS
SELECT *,
  CASE
    WHEN told IS NULL THEN NULL
    WHEN told = 'eks_node' AND description = 'aws-K8S-' || coalesce(instance_id, '')
      THEN 'description, and attached to the instance it names'
    WHEN told = 'eks_node' AND description = 'aws-K8S-' || coalesce(maker_instance, '')
      THEN 'description, and made by the instance it names'
    WHEN requester_managed THEN 'description, and managed by its requester'
    WHEN requesting IS NOT NULL THEN 'description, and requester ' || requester_id
    WHEN by_its_service THEN 'description, and made by ' || making
    WHEN on_alias THEN 'description, and attached to an instance of ' || instance_owner
    WHEN by_somebody THEN NULL
    WHEN on_foreign THEN 'description, and attached to an instance of another account'
    WHEN told IN ('eks_pod', 'eks_trunk') AND interface_type IN ('branch', 'trunk')
      THEN 'description, and interface type ' || interface_type
  END AS because
FROM interface_judged
"""
"""Why a description counts; NULL where anybody may have written it. Somebody's own call speaks against weak marks."""

_DECIDED = f"""
CREATE OR REPLACE TEMP TABLE interface_decided AS
WITH owned AS (
  SELECT *,
    CASE
      WHEN operating IS NULL THEN NULL
      WHEN operating = 'eks' AND told IN ('eks_node', 'eks_pod', 'eks_trunk', 'eks_control_plane') THEN told
      WHEN operating = 'eks' AND interface_type = 'branch' THEN 'eks_pod'
      WHEN operating = 'eks' AND interface_type = 'trunk' THEN 'eks_trunk'
      WHEN operating = 'eks' THEN 'eks_node'
      WHEN operating IN ('ecs', 'lambda') AND told IN ('ecs_task', 'lambda') THEN told
      WHEN operating IN ('ecs', 'lambda') AND instance_id IS NOT NULL AND typed IS NULL THEN 'ec2_instance'
      WHEN operating = 'ecs' THEN NULL
      WHEN operating = 'elasticloadbalancing' AND told LIKE '%load_balancer' THEN told
      ELSE {service_owner("operating")}
    END AS operated
  FROM interface_believed
)
SELECT *,
  CASE
    WHEN operated IS NOT NULL THEN operated
    WHEN listed_owner IS NOT NULL THEN listed_owner
    WHEN typed = 'load_balancer' AND told LIKE '%load_balancer' THEN told
    WHEN typed IS NOT NULL THEN typed
    WHEN because IS NOT NULL THEN told
    WHEN instance_id IS NOT NULL AND NOT on_alias AND NOT on_foreign THEN 'ec2_instance'
    WHEN requested IS NOT NULL THEN requested
    ELSE 'unknown'
  END AS owner,
  CASE
    WHEN operated IS NOT NULL THEN 'operator ' || operator
    WHEN listed_owner IS NOT NULL THEN 'listed by its owner'
    WHEN typed IS NOT NULL THEN 'interface type ' || interface_type
    WHEN because IS NOT NULL THEN because
    WHEN instance_id IS NOT NULL AND NOT on_alias AND NOT on_foreign THEN 'attached to an instance'
    WHEN requested IS NOT NULL THEN 'requester ' || requester_id
    WHEN told IS NOT NULL THEN 'its description alone, which anybody can write'
    ELSE 'no mark'
  END AS how
FROM owned
"""
"""Operator first, then what lists it, its type, its description where AWS wrote it, the instance it is attached to."""

_LIFE = f"""
CREATE OR REPLACE TEMP TABLE interface_end AS
WITH terminated AS (
  SELECT split_part(workload, '/', 2) AS instance_id, min(moment) AS moment, arg_min(event_id, (moment, event_id)) AS event_id
  FROM ({running.ENDED}) AS t
  GROUP BY split_part(workload, '/', 2)
), kept AS (
  SELECT ask->>'$.networkInterfaceId' AS interface_id,
    arg_max(try_cast(ask->>'$.attachment.deleteOnTermination' AS BOOLEAN), (moment, event_id)) AS ends_with_instance
  FROM workload_call
  WHERE event_name = 'ModifyNetworkInterfaceAttribute'
    AND (ask->>'$.attachment.deleteOnTermination') IS NOT NULL
  GROUP BY ask->>'$.networkInterfaceId'
), ended AS (
  SELECT ask->>'$.networkInterfaceId' AS interface_id, moment, event_id, TRUE AS known
  FROM workload_call
  WHERE event_name = 'DeleteNetworkInterface'
  UNION ALL
  SELECT d.interface_id, t.moment, t.event_id, TRUE AS known
  FROM interface_decided AS d
  JOIN terminated AS t ON t.instance_id = d.instance_id AND t.moment >= d.first_seen
  LEFT JOIN kept AS k ON k.interface_id = d.interface_id
  WHERE coalesce(k.ends_with_instance, d.ends_with_instance, d.made_with_instance)
  UNION ALL
  SELECT s.resource_id AS interface_id, s.configuration_item_capture_time AS moment,
    s.object_id || '/' || s.record AS event_id, FALSE AS known
  FROM resource_item AS s
  WHERE s.resource_type = 'AWS::EC2::NetworkInterface'
    AND s.configuration_item_status IN ('ResourceDeleted', 'ResourceDeletedNotRecorded')
)
SELECT interface_id, min(moment) AS valid_to, arg_min(known, (moment, NOT known)) AS to_known,
  arg_min(event_id, (moment, NOT known, event_id)) AS event_id
FROM ended
GROUP BY interface_id
"""
"""The first record that has an interface gone; AWS Config says only that it was gone by then."""

_INTERFACE = f"""
INSERT INTO interface
SELECT d.interface_id, d.owner,
  CASE
    WHEN d.listed_id IS NOT NULL AND d.owner = d.listed_owner THEN d.listed_id
    WHEN d.owner IN ('ec2_instance', 'eks_node') AND d.instance_id IS NOT NULL THEN d.instance_id
    WHEN d.told = d.owner OR d.typed IS NOT NULL THEN {text_id("d.owner", "d.description")}
  END AS owner_id,
  d.how, d.account_id, d.region, d.vpc_id, d.subnet_id, d.security_groups, d.private_ip, d.public_ip, d.description,
  d.interface_type, d.requester_id,
  coalesce(d.born, d.first_seen) AS valid_from, e.valid_to, d.born IS NOT NULL AS from_known,
  coalesce(e.to_known, FALSE) AS to_known,
  CASE WHEN e.event_id IS NULL THEN d.evidence_event_ids
    ELSE list_sort(list_distinct(list_append(d.evidence_event_ids, e.event_id))) END AS evidence_event_ids
FROM interface_decided AS d
LEFT JOIN interface_end AS e ON e.interface_id = d.interface_id
ORDER BY d.interface_id
"""

_TEMPORARY = (
    "interface_card",
    "interface_marked",
    "interface_read",
    "interface_judged",
    "interface_believed",
    "interface_decided",
    "interface_end",
)


def resolve(con: duckdb.DuckDBPyConnection) -> None:
    """Rebuild `interface`, a row per interface that a record describes; needs `workload_call` of the stage `workload`."""
    con.execute("DELETE FROM interface")
    interface_card.collect(con)
    for statement in (_MARKED, _READ, _JUDGED, _BELIEVED, _DECIDED, _LIFE, _INTERFACE):
        con.execute(statement)
    for table in _TEMPORARY:
        con.execute(f"DROP TABLE temp.{table}")
