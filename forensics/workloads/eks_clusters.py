"""EKS clusters and their nodes: account, Region, VPC and OIDC issuer of each, and the instance behind a node's name."""

from forensics import telling
from forensics.each import each
from forensics.sources.cloudtrail import EVENT as CALL

CLUSTER_NAME = "^[0-9A-Za-z][0-9A-Za-z_-]{0,99}$"
"""What EKS takes as a cluster's name."""
INSTANCE_ID = "i-[0-9a-f]{8,17}"
LABEL = "^[a-z0-9](?:[a-z0-9-]{0,61}[a-z0-9])?$"
"""A namespace; Kubernetes takes nothing else, so that a name of another shape names none."""
SUBDOMAIN = "^[a-z0-9](?:[a-z0-9.-]{0,251}[a-z0-9])?$"
"""A pod, service account or node."""
UID = "^[0-9A-Za-z-]{1,64}$"
POD_ISSUER = "pods.eks.amazonaws.com"
"""The service that assumes roles for EKS Pod Identity."""
PROVIDER = (
    r"^arn:[^:]+:iam::([0-9]{12}):oidc-provider/oidc[.-]eks\.([a-z0-9-]+)\.(?:amazonaws\.com(?:\.cn)?|api\.aws)"
    r"/id/([0-9A-Za-z]+)$"
)
"""The OIDC provider of an EKS cluster: account, Region, id; anyone may run a provider of another host."""
PROVIDER_ID = r"^https://oidc[.-]eks\.[a-z0-9-]+\.[a-z.]+/id/([0-9A-Za-z]+)$"
NAMES_CLUSTER = "^(?:Create|Describe|Delete|Update)Cluster(?:Config|Version)?$"
"""Calls whose `name` is the cluster's."""
AUDIT_ACCOUNT = "coalesce(s.owner, e.account_id)"


def shaped(expression: str, pattern: str) -> str:
    """SQL: the text of an expression where it has that shape, else NULL."""
    return f"CASE WHEN regexp_matches({expression}, '{pattern}') THEN {expression} END"


def tag(name: str) -> str:
    """SQL: the value of a session tag of `s.request_parameters`, where it is one text; a list or a map holds them."""
    return f"""coalesce((
    SELECT CASE WHEN count(DISTINCT t.tag->>'$.value') = 1 THEN min(t.tag->>'$.value') END
    FROM unnest(json_extract(s.request_parameters, '$.tags[*]')) AS t(tag)
    WHERE (t.tag->>'$.key') = '{name}' AND json_type(t.tag, '$.value') = 'VARCHAR'),
    CASE WHEN json_type(s.request_parameters, '$.principalTags."{name}"') = 'VARCHAR'
      THEN s.request_parameters->>'$.principalTags."{name}"' END)"""


_TAGS = (
    ("tag_cluster", "eks-cluster-name", CLUSTER_NAME),
    ("tag_namespace", "kubernetes-namespace", LABEL),
    ("tag_service_account", "kubernetes-service-account", SUBDOMAIN),
    ("tag_pod", "kubernetes-pod-name", SUBDOMAIN),
    ("tag_uid", "kubernetes-pod-uid", UID),
)
_TAGGED = ",\n  ".join(f"{shaped(f's.{column}', pattern)} AS {column}" for column, _, pattern in _TAGS)
_READ = ",\n    ".join(f"CASE WHEN own THEN {tag(name)} END AS {column}" for column, name, _ in _TAGS)

CALLS_READ = f"""s.event_source IN ('eks.amazonaws.com', 'eks-auth.amazonaws.com')
        OR (s.event_source = 'sts.amazonaws.com' AND s.event_name = 'AssumeRoleWithWebIdentity')
        OR (s.event_source = 'sts.amazonaws.com' AND s.user_identity_invoked_by = '{POD_ISSUER}')"""

_CALL = f"""
CREATE OR REPLACE TEMP TABLE eks_call AS
SELECT s.event_id, s.moment, s.event_source, s.event_name, s.region, s.account_id, s.source_ip, s.vpc_endpoint_id,
  s.endpoint_account_id, s.principal_id, s.subject, s.ask, s.answer, s.own,
  s.answer->>'$.credentials.accessKeyId' AS access_key_id,
  coalesce(s.ask->>'$.roleArn', s.resource) AS role,
  s.ask->>'$.roleSessionName' AS session_name,
  {_TAGGED}
FROM (
  SELECT s.*,
    {_READ}
  FROM (
    SELECT {CALL.columns["event_id"]} AS event_id, s.event_time AS moment, s.event_source, s.event_name,
      s.aws_region AS region, s.recipient_account_id AS account_id, s.source_ip_address AS source_ip,
      nullif(s.vpc_endpoint_id, '') AS vpc_endpoint_id, s.vpc_endpoint_account_id AS endpoint_account_id,
      s.user_identity_principal_id AS principal_id, s.resources->>'$[0].ARN' AS resource,
      CASE WHEN s.user_identity_type = 'WebIdentityUser' THEN s.user_identity_user_name END AS subject,
      s.request_parameters AS ask, s.response_elements AS answer, s.request_parameters,
      coalesce(s.event_name = 'AssumeRole' AND s.user_identity_type = 'AWSService'
        AND s.user_identity_invoked_by = '{POD_ISSUER}', FALSE) AS own
    FROM {telling.TABLE} AS s
    WHERE coalesce(s.error_code, '') = ''
      AND ({CALLS_READ})
      AND NOT EXISTS (
        SELECT 1 FROM superseded AS x
        WHERE x.source = 'cloudtrail' AND x.copy_object_id = s.object_id AND x.copy_record = s.record)
  ) AS s
) AS s
"""
"""Calls of EKS, and what STS handed out to pods. `own`: EKS itself asked; only then are tags its word."""

_FACT = f"""
CREATE OR REPLACE TEMP TABLE eks_cluster_fact AS
SELECT {shaped("f.cluster", CLUSTER_NAME)} AS cluster, {shaped("f.account_id", "^[0-9]{12}$")} AS account_id,
  f.region, {shaped("f.vpc_id", "^vpc-[0-9a-f-]+$")} AS vpc_id,
  nullif(regexp_extract(f.issuer, '{PROVIDER_ID}', 1), '') AS provider_id
FROM (
  SELECT DISTINCT coalesce(answer->>'$.cluster.name', ask->>'$.clusterName',
      CASE WHEN regexp_matches(event_name, '{NAMES_CLUSTER}') THEN ask->>'$.name' END, tag_cluster) AS cluster,
    account_id, region, answer->>'$.cluster.resourcesVpcConfig.vpcId' AS vpc_id,
    answer->>'$.cluster.identity.oidc.issuer' AS issuer
  FROM eks_call
  WHERE event_name <> 'AssumeRoleWithWebIdentity'
  UNION
  SELECT s.cluster_name AS cluster, {AUDIT_ACCOUNT} AS account_id, e.region, NULL AS vpc_id, NULL AS issuer
  FROM (SELECT DISTINCT cluster_name, owner, object_id FROM eks_audit WHERE cluster_name IS NOT NULL) AS s
  LEFT JOIN evidence AS e ON e.object_id = s.object_id
  UNION
  SELECT eks_cluster_name AS cluster, account_id, region, resource->>'$.eksClusterDetails.vpcId' AS vpc_id, NULL AS issuer
  FROM guardduty
  WHERE eks_cluster_name <> ''
  UNION
  SELECT coalesce(resource_name, resource_id) AS cluster, aws_account_id AS account_id, aws_region AS region,
    coalesce(configuration->>'$.resourcesVpcConfig.vpcId', configuration->>'$.ResourcesVpcConfig.VpcId') AS vpc_id,
    coalesce(configuration->>'$.OpenIdConnectIssuerUrl', configuration->>'$.identity.oidc.issuer') AS issuer
  FROM resource_item
  WHERE resource_type = 'AWS::EKS::Cluster'
) AS f
WHERE regexp_matches(f.cluster, '{CLUSTER_NAME}')
"""

_CLUSTER = """
CREATE OR REPLACE TEMP TABLE eks_cluster AS
WITH counted AS (
  SELECT cluster, count(DISTINCT account_id) AS accounts, count(DISTINCT region) AS regions,
    min(account_id) AS account_id, min(region) AS region, count(DISTINCT vpc_id) AS vpcs, min(vpc_id) AS vpc_id
  FROM eks_cluster_fact
  GROUP BY cluster
)
SELECT cluster, accounts, regions,
  CASE WHEN accounts = 1 THEN account_id END AS account_id,
  CASE WHEN regions = 1 THEN region END AS region,
  CASE WHEN accounts <= 1 AND regions <= 1 AND vpcs = 1 THEN vpc_id END AS vpc_id, vpcs
FROM counted
"""
"""A row per name; where clusters of several accounts or Regions bear it, nothing more is said of it."""

_PROVIDER = f"""
CREATE OR REPLACE TEMP TABLE eks_provider AS
WITH used AS (
  SELECT DISTINCT regexp_extract(principal, '{PROVIDER}', 1) AS account_id,
    regexp_extract(principal, '{PROVIDER}', 2) AS region, regexp_extract(principal, '{PROVIDER}', 3) AS provider_id
  FROM (SELECT answer->>'$.provider' AS principal FROM eks_call WHERE event_name = 'AssumeRoleWithWebIdentity') AS p
  WHERE regexp_matches(principal, '{PROVIDER}')
), stated AS (
  SELECT provider_id, min(cluster) AS cluster
  FROM eks_cluster_fact
  WHERE provider_id IS NOT NULL
  GROUP BY provider_id
  HAVING count(DISTINCT cluster) = 1
), possible AS (
  SELECT u.account_id, u.region, u.provider_id, min(f.cluster) AS cluster
  FROM used AS u
  JOIN eks_cluster_fact AS f ON coalesce(f.account_id, u.account_id) = u.account_id
    AND coalesce(f.region, u.region) = u.region
  WHERE f.cluster NOT IN (SELECT cluster FROM eks_cluster_fact WHERE provider_id IS NOT NULL)
  GROUP BY u.account_id, u.region, u.provider_id
  HAVING count(DISTINCT f.cluster) = 1
)
SELECT u.account_id, u.region, u.provider_id, coalesce(s.cluster, p.cluster) AS cluster,
  s.cluster IS NOT NULL AS stated
FROM used AS u
LEFT JOIN stated AS s ON s.provider_id = u.provider_id
LEFT JOIN possible AS p ON p.provider_id = u.provider_id AND p.account_id = u.account_id AND p.region = u.region
WHERE coalesce(s.cluster, p.cluster) IS NOT NULL
"""
"""Which cluster an OIDC provider is of: a description says so, or no other cluster is known in its account and Region."""

_NODE = f"""
CREATE OR REPLACE TEMP TABLE eks_node AS
WITH told AS (
  SELECT s.cluster_name AS cluster, substring(s.username, 13) AS node,
    regexp_extract(coalesce(s.iam_session_name, s.iam_arn), '({INSTANCE_ID})$', 1) AS instance_id,
    min(s.stage_timestamp) AS first_seen, max(s.stage_timestamp) AS last_seen
  FROM eks_audit AS s
  WHERE s.username LIKE 'system:node:%'
    AND s.cluster_name IS NOT NULL
  GROUP BY s.cluster_name, s.username, s.iam_session_name, s.iam_arn
  UNION ALL
  SELECT s.cluster_name AS cluster, coalesce(s.object_name, s.response_object->>'$.metadata.name') AS node,
    regexp_extract(coalesce(s.response_object->>'$.spec.providerID', s.request_object->>'$.spec.providerID'),
      '^aws:///[^/]+/({INSTANCE_ID})$', 1) AS instance_id,
    s.stage_timestamp AS first_seen, s.stage_timestamp AS last_seen
  FROM eks_audit AS s
  WHERE s.object_resource = 'nodes'
    AND s.verb IN ('create', 'update', 'patch')
    AND s.username LIKE 'system:%'
    AND s.stage = 'ResponseComplete'
    AND s.response_code BETWEEN 200 AND 299
  UNION ALL
  SELECT cluster_name AS cluster, node_name AS node, ec2_instance_id AS instance_id, min(coalesce(time, "timestamp")) AS first_seen,
    max(coalesce(time, "timestamp")) AS last_seen
  FROM container_log
  WHERE pod_name IS NOT NULL
    AND ec2_instance_id IS NOT NULL
  GROUP BY cluster_name, node_name, ec2_instance_id
)
SELECT t.cluster, t.node, t.instance_id, min(t.first_seen) AS first_seen, max(t.last_seen) AS last_seen,
  count(*) OVER (PARTITION BY t.cluster, t.node) AS instances
FROM told AS t
WHERE regexp_matches(t.cluster, '{CLUSTER_NAME}')
  AND regexp_matches(t.node, '{SUBDOMAIN}')
  AND regexp_matches(t.instance_id, '^{INSTANCE_ID}$')
GROUP BY t.cluster, t.node, t.instance_id
"""
"""Instances behind names of nodes; a name goes to another instance with the address that it is made of."""

_INSTANCE = f"""
CREATE OR REPLACE TEMP TABLE eks_instance AS
SELECT i.instance_id, min(i.account_id) AS account_id, min(i.region) AS region,
  CASE WHEN count(DISTINCT i.vpc_id) = 1 THEN min(i.vpc_id) END AS vpc_id
FROM (
  SELECT c.item->>'$.instanceId' AS instance_id, c.account_id, c.aws_region AS region,
    coalesce(c.item->>'$.vpcId', c.item->>'$.networkInterfaceSet.items[0].vpcId') AS vpc_id
  FROM {each("workload_call AS c", "json_extract(c.answer, '$.instancesSet.items[*]')", "item")} AS c
  WHERE c.event_name = 'RunInstances'
  UNION ALL
  SELECT resource_id AS instance_id, aws_account_id AS account_id, aws_region AS region,
    configuration->>'$.vpcId' AS vpc_id
  FROM resource_item
  WHERE resource_type = 'AWS::EC2::Instance'
) AS i
WHERE regexp_matches(i.instance_id, '^{INSTANCE_ID}$')
GROUP BY i.instance_id
HAVING count(DISTINCT i.account_id) = 1
  AND count(DISTINCT i.region) = 1
"""

_VPC = """
UPDATE eks_cluster
SET vpc_id = n.vpc_id
FROM (
  SELECT n.cluster, min(i.vpc_id) AS vpc_id
  FROM eks_node AS n
  JOIN eks_instance AS i ON i.instance_id = n.instance_id
  WHERE regexp_matches(i.vpc_id, '^vpc-[0-9a-f-]+$')
  GROUP BY n.cluster
  HAVING count(DISTINCT i.vpc_id) = 1
) AS n
WHERE n.cluster = eks_cluster.cluster
  AND eks_cluster.vpcs = 0
  AND eks_cluster.accounts <= 1
  AND eks_cluster.regions <= 1
"""

_ASSOCIATION = f"""
CREATE OR REPLACE TEMP TABLE eks_association AS
WITH said AS (
  SELECT coalesce(answer->>'$.association.clusterName', ask->>'$.clusterName', ask->>'$.name') AS cluster,
    answer->>'$.association.namespace' AS namespace, answer->>'$.association.serviceAccount' AS service_account,
    answer->>'$.association.roleArn' AS role, answer->>'$.association.associationId' AS association_id,
    event_name, account_id, region, moment, event_id
  FROM eks_call
  WHERE event_source = 'eks.amazonaws.com'
    AND event_name IN ('CreatePodIdentityAssociation', 'UpdatePodIdentityAssociation', 'DeletePodIdentityAssociation')
  UNION ALL
  SELECT s.configuration->>'$.clusterName' AS cluster, s.configuration->>'$.namespace' AS namespace,
    s.configuration->>'$.serviceAccount' AS service_account, s.configuration->>'$.roleArn' AS role,
    s.configuration->>'$.associationId' AS association_id, 'UpdatePodIdentityAssociation' AS event_name, s.account_id,
    s.region, coalesce(try_cast(s.configuration->>'$.modifiedAt' AS TIMESTAMP), s.created, s.observed_at) AS moment,
    s.object_id || '/' || s.record AS event_id
  FROM inventory AS s
  WHERE s.api = 'eks'
    AND s.operation = 'DescribePodIdentityAssociation'
    AND s.configuration IS NOT NULL
  UNION ALL
  SELECT s.cluster_name AS cluster, s.object_namespace AS namespace,
    coalesce(s.object_name, s.response_object->>'$.metadata.name') AS service_account,
    coalesce(s.response_object->'$.metadata.annotations'->>'eks.amazonaws.com/role-arn',
      s.request_object->'$.metadata.annotations'->>'eks.amazonaws.com/role-arn') AS role,
    NULL AS association_id, 'annotated' AS event_name, {AUDIT_ACCOUNT} AS account_id, e.region, s.stage_timestamp AS moment,
    s.object_id || '/' || s.record AS event_id
  FROM eks_audit AS s
  LEFT JOIN evidence AS e ON e.object_id = s.object_id
  WHERE s.object_resource = 'serviceaccounts'
    AND s.object_subresource IS NULL
    AND s.verb IN ('create', 'update', 'patch')
    AND s.stage = 'ResponseComplete'
    AND s.response_code BETWEEN 200 AND 299
    AND NOT coalesce(s.request_uri LIKE '%dryRun=%', FALSE)
)
SELECT cluster, namespace, service_account, {shaped("role", "^arn:[^:]+:iam::[0-9]{12}:role/.+$")} AS role,
  account_id, region, event_name, moment, event_id,
  lead(moment) OVER (PARTITION BY cluster, namespace, service_account, account_id, region, event_name = 'annotated'
    ORDER BY moment, event_id) AS until
FROM said
WHERE cluster IS NOT NULL
  AND namespace IS NOT NULL
  AND service_account IS NOT NULL
"""
"""Roles of service accounts, by Pod Identity association and by annotation, each until the next word on it."""

PREPARE = (_CALL, _FACT, _CLUSTER, _PROVIDER, _NODE, _INSTANCE, _VPC, _ASSOCIATION)
TEMPORARY = (
    "eks_call",
    "eks_cluster_fact",
    "eks_cluster",
    "eks_provider",
    "eks_node",
    "eks_instance",
    "eks_association",
)
