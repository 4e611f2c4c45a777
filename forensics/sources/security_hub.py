"""Security Hub findings in ASFF: what GuardDuty, Inspector, Config and others reported, in one form."""

from collections.abc import Mapping
from typing import Any

from forensics.source import About, BlindSpot, Column, EventMap, IdentityMap, Source

COLUMNS = (
    Column("SchemaVersion", doc="Version of ASFF: 2018-10-08."),
    Column("Id", doc="Id of the finding; of GuardDuty's its ARN.", name="id"),
    Column("ProductArn", doc="Product that found it; Id is unique within it."),
    Column("ProductName", doc="Name of the product."),
    Column("CompanyName", doc="Company of the product."),
    Column("Region", doc="Region of the finding."),
    Column("GeneratorId", doc="Rule, check or detector that found it."),
    Column("AwsAccountId", doc="Account the finding is about."),
    Column("AwsAccountName", doc="Name of that account."),
    Column("Types", "JSON", "Kinds, as namespace/category/classifier."),
    Column("FirstObservedAt", "TIMESTAMP", "First sight of what was found."),
    Column("LastObservedAt", "TIMESTAMP", "Last sight of what was found."),
    Column("CreatedAt", "TIMESTAMP", "When the finding was made."),
    Column("UpdatedAt", "TIMESTAMP", "Later versions of one finding have a later one."),
    Column("ProcessedAt", "TIMESTAMP", "When Security Hub took it in."),
    Column("Severity", "JSON", "Severity: label, normalized, original, the product's own.", name="severity_json"),
    Column("Severity.Label", doc="INFORMATIONAL, LOW, MEDIUM, HIGH, CRITICAL.", name="severity_label"),
    Column("Severity.Normalized", "DOUBLE", "0 to 100.", name="severity_normalized"),
    Column("Severity.Product", "DOUBLE", "Severity in the product's own numbers.", name="severity_product"),
    Column("Severity.Original", doc="Severity in the product's own words.", name="severity_original"),
    Column("Confidence", "DOUBLE", "How sure the product is, 0 to 100."),
    Column("Criticality", "BIGINT", "How much the resources matter, 0 to 100."),
    Column("Title", doc="Title."),
    Column("Description", doc="What was found, in words."),
    Column("SourceUrl", doc="Page of the finding in the product."),
    Column("ProductFields", "JSON", "Details of the product, flattened: of GuardDuty aws/guardduty/service/…"),
    Column("UserDefinedFields", "JSON", "What users added."),
    Column("Resources", "JSON", "Resources: type, id, details."),
    Column("Action", "JSON", "What was done: API call, connection, DNS request, port probe.", name="action_json"),
    Column("Action.ActionType", doc="AWS_API_CALL, NETWORK_CONNECTION, DNS_REQUEST, PORT_PROBE.", name="action_type"),
    Column("Action.AwsApiCallAction.Api", doc="API that was called.", name="api"),
    Column("Action.AwsApiCallAction.RemoteIpDetails.IpAddressV4", doc="Address that called it.", name="api_remote_ip"),
    Column(
        "Action.NetworkConnectionAction.RemoteIpDetails.IpAddressV4",
        doc="Address at the other end.",
        name="connection_remote_ip",
    ),
    Column("Action.NetworkConnectionAction.ConnectionDirection", doc="IN or OUT.", name="connection_direction"),
    Column("Network", "JSON", "Network connection, in the older form."),
    Column("Process", "JSON", "Process."),
    Column("Malware", "JSON", "Malware."),
    Column("ThreatIntelIndicators", "JSON", "Indicators of threat lists."),
    Column("Threats", "JSON", "Threats."),
    Column("Vulnerabilities", "JSON", "Vulnerabilities."),
    Column("Compliance", "JSON", "Of a control: status and why."),
    Column("Compliance.Status", doc="PASSED, WARNING, FAILED, NOT_AVAILABLE.", name="compliance_status"),
    Column("VerificationState", doc="What a person said of it: TRUE_POSITIVE…"),
    Column("Workflow", "JSON", "Workflow."),
    Column("Workflow.Status", doc="NEW, NOTIFIED, RESOLVED, SUPPRESSED.", name="workflow_status"),
    Column("RecordState", doc="ACTIVE or ARCHIVED."),
    Column("RelatedFindings", "JSON", "Findings related to it."),
    Column("Note", "JSON", "Note that a user wrote."),
    Column("Remediation", "JSON", "What is recommended."),
    Column("FindingProviderFields", "JSON", "What the product said before users changed it."),
    Column("Detection", "JSON", "Of an attack sequence: actors, signals."),
    Column("Sample", "BOOLEAN", "Whether it is a sample."),
)

RESOURCE_IDS = (
    "list_sort(list_distinct(list_filter(json_extract_string(s.resources, '$[*].Id'), lambda r: r IS NOT NULL)))"
)
FIRST_KEY = "list_filter(json_extract_string(s.resources, '$[*].Details.AwsIamAccessKey.AccessKeyId'), lambda r: r IS NOT NULL)[1]"
PRINCIPAL_ID = "list_filter(json_extract_string(s.resources, '$[*].Details.AwsIamAccessKey.PrincipalId'), lambda r: r IS NOT NULL)[1]"


def key_detail(name: str) -> str:
    """SQL: what the access keys among the resources have in that member of their details, if it is one thing."""
    found = f"json_extract_string(s.resources, '$[*].Details.AwsIamAccessKey.{name}')"
    texts = f"list_distinct(list_filter({found}, lambda r: r IS NOT NULL AND r <> ''))"
    return f"CASE WHEN len({texts}) = 1 THEN {texts}[1] END"


def claims(record: Mapping[str, Any]) -> bool:
    """A finding in ASFF."""
    return "SchemaVersion" in record and "ProductArn" in record and "GeneratorId" in record


SOURCE = Source(
    name="security_hub",
    title="Security Hub findings (ASFF)",
    reference="AWS Security Finding Format (ASFF)",
    columns=COLUMNS,
    event=EventMap(
        unique=True,
        version="s.updated_at",
        finding="TRUE",
        same=("s.product_arn",),
        columns={
            "event_id": "coalesce(nullif(s.id, ''), s.object_id || '/' || s.record)",
            "time": "coalesce(s.first_observed_at, s.created_at)",
            "end_time": "s.last_observed_at",
            "account_id": "s.aws_account_id",
            "region": "s.region",
            "access_key_id": "s.access_key_id",
            "action": "'securityhub:' || coalesce(s.types->>0, s.generator_id, 'Finding')",
            "resources": "s.resource_ids",
            "source_ip": "coalesce(s.api_remote_ip, CASE WHEN s.connection_direction IN ('IN', 'INBOUND') THEN s.connection_remote_ip END)",
            "destination_ip": "CASE WHEN s.connection_direction IN ('OUT', 'OUTBOUND') THEN s.connection_remote_ip END",
            "outcome": "CASE s.compliance_status WHEN 'PASSED' THEN 'success' WHEN 'FAILED' THEN 'error' END",
            "severity": "coalesce(s.severity_product, s.severity_normalized)",
            "summary": "coalesce(s.product_name || ': ', '') || coalesce(s.title, s.generator_id, s.id)",
        },
    ),
    identity=IdentityMap(
        {
            "type": key_detail("PrincipalType"),
            "principal_id": key_detail("PrincipalId"),
            "account_id": f"CASE WHEN {key_detail('PrincipalId')} IS NOT NULL THEN coalesce({key_detail('AccountId')}, s.aws_account_id) END",
            "user_name": key_detail("PrincipalName"),
            "issuer_type": key_detail("SessionContext.SessionIssuer.Type"),
            "issuer_arn": key_detail("SessionContext.SessionIssuer.Arn"),
            "issuer_principal_id": key_detail("SessionContext.SessionIssuer.PrincipalId"),
            "issuer_account_id": key_detail("SessionContext.SessionIssuer.AccountId"),
        }
    ),
    about=About(
        recognised="records with SchemaVersion, ProductArn and GeneratorId; in EventBridge under detail.findings",
        delivered="EventBridge, GetFindings",
        delay="minutes after the product; what was not updated for 90 days is gone",
        minutes=15,
        organisation="delegated administrator, aggregation over Regions; AwsAccountId is the account",
        cannot_show=(
            BlindSpot(
                "detection", "Details of a product that have no place in ASFF: prefer the product's own finding."
            ),
            BlindSpot("detection", "The records behind a finding."),
            BlindSpot("detection", "Findings that rules suppressed or archived before they were collected."),
        ),
    ),
    claims=claims,
    lists=("findings",),
    required=("product_arn",),
    derived=(
        ("resource_ids", "VARCHAR[]", RESOURCE_IDS),
        ("access_key_id", "VARCHAR", FIRST_KEY),
        ("principal_id", "VARCHAR", PRINCIPAL_ID),
    ),
    account="s.aws_account_id",
    region="s.region",
)
