"""CloudTrail: who called which AWS API, from where, with what result."""

from collections.abc import Mapping
from datetime import timedelta
from typing import Any

from forensics.key_layout import DAYS, KeyLayout, trail
from forensics.source import About, BlindSpot, Column, EventMap, IdentityMap, Source
from forensics.trail_names import reshape

_ISSUER = "userIdentity.sessionContext.sessionIssuer"
_CONTEXT = "userIdentity.sessionContext"

COLUMNS = (
    Column("eventVersion", doc="Version of the record format, as text: 1.10 is newer than 1.9."),
    Column("eventTime", "TIMESTAMP", "When the request completed, whole seconds UTC."),
    Column("eventSource", doc="Service that was called, as its DNS name."),
    Column("eventName", doc="API call, with Lambda's date suffixes as AWS writes them."),
    Column("awsRegion", doc="Region that served the call; global services write us-east-1."),
    Column("sourceIPAddress", doc="Address the call came from, or the name of a service, or AWS Internal."),
    Column("userAgent", doc="What the client called itself; chosen by the caller.", unique=True),
    Column("errorCode", doc="Absent when the call succeeded."),
    Column("errorMessage", doc="What the service answered.", unique=True),
    Column("requestParameters", "JSON", "What was asked; over 100 KB CloudTrail leaves it out."),
    Column("responseElements", "JSON", "What was answered, for calls that change state and for AssumeRole*."),
    Column("additionalEventData", "JSON", "Service's own additions, such as bytesTransferredOut."),
    Column("additionalEventData.bytesTransferredOut", "DOUBLE", "Bytes sent.", name="bytes_transferred_out"),
    Column("requestID", doc="The service's id of the request; not unique across services.", unique=True),
    Column("eventID", doc="CloudTrail's id of the event; copies of one event share it.", unique=True),
    Column("eventType", doc="AwsApiCall, AwsServiceEvent, AwsConsoleSignIn…"),
    Column("apiVersion", doc="Version of the API, for some services."),
    Column("managementEvent", "BOOLEAN", "False for data events."),
    Column("readOnly", "BOOLEAN", "Absent in old records; absent is not false."),
    Column("resources", "JSON", "ARN or ARNPrefix, account and type of what was touched."),
    Column("recipientAccountId", doc="Account whose trail recorded the event."),
    Column("serviceEventDetails", "JSON", doc="Of an event of a service: what happened."),
    Column("sharedEventID", doc="Joins the records that several accounts hold of one call.", unique=True),
    Column("vpcEndpointId", doc="The call came through this endpoint; its source address is a private one."),
    Column("vpcEndpointAccountId", doc="Owner of that endpoint."),
    Column("eventCategory", doc="Management, Data, NetworkActivity."),
    Column("addendum", "JSON", "Why a record came late or was corrected."),
    Column("sessionCredentialFromConsole", doc='"true" when the credentials were a console session\'s.'),
    Column("eventContext", "JSON", doc="Condition keys and tags; event data stores only."),
    Column("edgeDeviceDetails", "JSON", doc="Device of a request through Snowball or Outposts."),
    Column("tlsDetails", "JSON", "Absent for calls AWS made on behalf of the caller."),
    Column("userIdentity", "JSON", "Who made the request, whole."),
    Column("userIdentity.type", doc="AssumedRole, IAMUser, Root, AWSService, AWSAccount…"),
    Column("userIdentity.principalId", doc="Unique id; of a role session AROA…:session name.", unique=True),
    Column("userIdentity.arn", doc="Of a role session its STS ARN, without the role's path.", unique=True),
    Column("userIdentity.accountId", doc="Account of the identity; ANONYMOUS_PRINCIPAL of nobody."),
    Column("userIdentity.accessKeyId", doc="Key that signed the request."),
    Column("userIdentity.userName", doc="Name of the user, where it has one."),
    Column("userIdentity.invokedBy", doc="Service that made the call on the identity's behalf."),
    Column("userIdentity.identityProvider", doc="Provider that vouched for a SAML or web identity."),
    Column("userIdentity.onBehalfOf.userId", name="on_behalf_of_user_id", doc="User of IAM Identity Center."),
    Column(
        "userIdentity.onBehalfOf.identityStoreArn",
        name="on_behalf_of_identity_store_arn",
        doc="Identity store of that user.",
    ),
    Column(
        "userIdentity.inScopeOf.credentialsIssuedTo",
        name="credentials_issued_to",
        doc="Workload the credentials were issued to: a Lambda function.",
    ),
    Column(f"{_ISSUER}.type", name="session_issuer_type", doc="What issued the session: Role, IAMUser, Root."),
    Column(f"{_ISSUER}.principalId", name="session_issuer_principal_id", doc="Unique id of the issuer."),
    Column(f"{_ISSUER}.arn", name="session_issuer_arn", doc="The role, with its path."),
    Column(f"{_ISSUER}.accountId", name="session_issuer_account_id", doc="Account of the issuer."),
    Column(
        f"{_CONTEXT}.attributes.creationDate",
        "TIMESTAMP",
        name="session_creation_date",
        doc="When the session was issued.",
    ),
    Column(f"{_CONTEXT}.attributes.mfaAuthenticated", name="session_mfa_authenticated", doc="true or false, as text."),
    Column(
        f"{_CONTEXT}.sourceIdentity",
        name="session_source_identity",
        doc="Set when the role was assumed; kept through chains of roles.",
    ),
    Column(
        f"{_CONTEXT}.ec2RoleDelivery",
        name="session_ec2_role_delivery",
        doc="1.0 or 2.0: version of instance metadata that gave the credentials.",
    ),
    Column(f"{_CONTEXT}.assumedRoot", name="session_assumed_root", doc="true: a session of AssumeRoot."),
)

_FUNCTION = r"^(arn:[^:]*:lambda:[^:]*:[^:]*:function:[^:]*)"
_INSTANCE = "'arn:aws:ec2:' || s.aws_region || ':' || s.recipient_account_id || ':instance/' || i"

RESOURCE_IDS = rf"""CASE
WHEN s.event_source IN ('lambda.amazonaws.com', 'sts.amazonaws.com', 'iam.amazonaws.com', 'ec2.amazonaws.com',
  'ecs.amazonaws.com', 'secretsmanager.amazonaws.com', 'ssm.amazonaws.com', 'cloudtrail.amazonaws.com') OR (s.event_source = 's3.amazonaws.com' AND s.resources IS NULL)
THEN list_sort(list_distinct(list_filter(list_concat(
  json_extract_string(s.resources, '$[*].ARN'),
  json_extract_string(s.resources, '$[*].ARNPrefix'),
  CASE s.event_source
    WHEN 's3.amazonaws.com' THEN [
      'arn:aws:s3:::' || (s.request_parameters->>'$.bucketName'),
      'arn:aws:s3:::' || (s.request_parameters->>'$.bucketName') || '/' || (s.request_parameters->>'$.key')]
    WHEN 'lambda.amazonaws.com' THEN [
      coalesce(
        nullif(regexp_extract(s.request_parameters->>'$.functionName', '{_FUNCTION}', 1), ''),
        nullif(regexp_extract(s.response_elements->>'$.functionArn', '{_FUNCTION}', 1), ''),
        'arn:aws:lambda:' || s.aws_region || ':' || s.recipient_account_id || ':function:'
          || split_part(s.request_parameters->>'$.functionName', ':', 1))]
    WHEN 'sts.amazonaws.com' THEN [
      s.request_parameters->>'$.roleArn',
      s.response_elements->>'$.assumedRoleUser.arn']
    WHEN 'iam.amazonaws.com' THEN list_concat(
      json_extract_string(s.response_elements, ['$.user.arn', '$.role.arn', '$.policy.arn', '$.accessKey.accessKeyId']),
      [s.request_parameters->>'$.policyArn',
       'arn:aws:iam::' || s.recipient_account_id || ':user/' || (s.request_parameters->>'$.userName')])
    WHEN 'ec2.amazonaws.com' THEN CASE
      WHEN s.read_only AND s.response_elements IS NULL THEN
        list_transform(json_extract_string(s.request_parameters, '$.instancesSet.items[*].instanceId'),
          lambda i: {_INSTANCE})
      ELSE list_concat(
        list_transform(json_extract_string(s.response_elements, '$.instancesSet.items[*].instanceId'),
          lambda i: {_INSTANCE}),
        list_transform(json_extract_string(s.request_parameters, '$.instancesSet.items[*].instanceId'),
          lambda i: {_INSTANCE}),
        [s.response_elements->>'$.networkInterface.networkInterfaceId',
         s.request_parameters->>'$.networkInterfaceId'])
    END
    WHEN 'secretsmanager.amazonaws.com' THEN [s.request_parameters->>'$.secretId']
    WHEN 'ssm.amazonaws.com' THEN [s.request_parameters->>'$.name']
    WHEN 'cloudtrail.amazonaws.com' THEN [s.request_parameters->>'$.name']
    WHEN 'ecs.amazonaws.com' THEN json_extract_string(s.response_elements, '$.tasks[*].taskArn')
  END),
lambda r: r IS NOT NULL AND r <> '')))
WHEN s.resources IS NOT NULL THEN
  list_concat(json_extract_string(s.resources, '$[*].ARN'), json_extract_string(s.resources, '$[*].ARNPrefix'))
END"""
"""ARNs and ids an event is about: those CloudTrail lists, and those its request and response name."""

EVENT = EventMap(
    unique=True,
    same=(
        "s.event_time",
        "s.event_source",
        "s.event_name",
        "s.aws_region",
        "s.source_ip_address",
        "s.user_identity_access_key_id",
        "s.error_code",
    ),
    columns={
        "event_id": "coalesce(nullif(s.event_id, ''), s.object_id || '/' || s.record)",
        "time": "s.event_time",
        "account_id": "coalesce(s.recipient_account_id, nullif(s.user_identity_account_id, ''))",
        "region": "s.aws_region",
        "access_key_id": "nullif(s.user_identity_access_key_id, '')",
        "action": "coalesce(split_part(s.event_source, '.', 1) || ':', '') || s.event_name",
        "resources": "s.resource_ids",
        "source_ip": "s.source_ip_address",
        "outcome": """CASE
      WHEN s.event_name = 'ConsoleLogin' AND s.response_elements->>'$.ConsoleLogin' = 'Failure' THEN 'denied'
      WHEN coalesce(s.error_code, '') IN ('', 'Client.DryRunOperation', 'DryRunOperation') THEN 'success'
      WHEN regexp_matches(s.error_code, '(?i)denied|unauthori[sz]ed|forbidden|notauthorized|authfailure') THEN 'denied'
      ELSE 'error'
    END""",
        "bytes": """CASE
      WHEN s.event_source = 's3.amazonaws.com' THEN TRY_CAST(s.bytes_transferred_out AS BIGINT)
    END""",
        "user_agent": "s.user_agent",
        "summary": """coalesce(s.event_name, 'unnamed event')
      || coalesce(' on ' || (s.request_parameters->>'$.bucketName') || coalesce('/' || (s.request_parameters->>'$.key'), ''),
                  ' of ' || (s.request_parameters->>'$.roleArn'), ' of ' || (s.request_parameters->>'$.userName'),
                  ' of ' || (s.request_parameters->>'$.functionName'), '')
      || coalesce(' from ' || s.source_ip_address, '') || coalesce(': ' || s.error_code, '')""",
    },
)

IDENTITY = IdentityMap(
    {
        "type": "s.user_identity_type",
        "principal_id": "s.user_identity_principal_id",
        "arn": "s.user_identity_arn",
        "account_id": "s.user_identity_account_id",
        "user_name": "s.user_identity_user_name",
        "invoked_by": "s.user_identity_invoked_by",
        "issuer_type": "s.session_issuer_type",
        "issuer_arn": "s.session_issuer_arn",
        "issuer_principal_id": "s.session_issuer_principal_id",
        "issuer_account_id": "s.session_issuer_account_id",
        "identity_provider": "s.user_identity_identity_provider",
        "on_behalf_of": "s.on_behalf_of_user_id",
        "identity_store_arn": "s.on_behalf_of_identity_store_arn",
        "source_identity": "s.session_source_identity",
    }
)


def claims(record: Mapping[str, Any]) -> bool:
    """A CloudTrail record of the kinds that carry an identity; Insights and aggregated events have tables of their own.

    Names may be in lower case, as CloudTrail Lake and Athena have them, or those of the console's event history.
    """
    if "eventName" in record:
        if record.get("eventCategory") in ("Insight", "Aggregated") or "insightDetails" in record:
            return False
        if record.get("eventType") == "AwsCloudTrailInsight":
            return False
        source = record.get("eventSource")
        if isinstance(source, str) and source.startswith("aws:"):
            return False  # a notification of S3 and its kin has an eventName too
        return bool({"eventSource", "userIdentity", "eventVersion"} & record.keys())
    if "Event name" in record:
        return "Event source" in record or "Event ID" in record
    lower = {"eventsource", "useridentity", "eventversion", "eventid"} & record.keys()
    return ("eventname" in record and bool(lower)) or (
        isinstance(record.get("eventjson"), str) and "eventName" in record["eventjson"]
    )


SOURCE = Source(
    name="cloudtrail",
    title="CloudTrail management, data and network activity events",
    reference="CloudTrail record contents for management, data, and network activity events",
    columns=COLUMNS,
    event=EVENT,
    identity=IDENTITY,
    keys=(
        r"AWSLogs/(?:o-[a-z0-9]+/)?(?P<account>\d{12})/CloudTrail(?:-NetworkActivity)?/(?P<region>[a-z0-9-]+)/\d{4}/\d\d/\d\d/",
        r"(?P<account>\d{12})_CloudTrail(?:-NetworkActivity)?_(?P<region>[a-z0-9-]+)_\d{8}T\d{4}Z_",
    ),
    derived=(("resource_ids", "VARCHAR[]", RESOURCE_IDS),),
    required=("event_name",),
    claims=claims,
    reshape=reshape,
    as_declared=True,
    account="s.recipient_account_id",
    region="s.aws_region",
    layouts=(
        trail("CloudTrail", timedelta(hours=24), "about 5 minutes on average, no promise; redelivery may take 30 days"),
        trail(
            "CloudTrail-NetworkActivity",
            timedelta(hours=24),
            "about 5 minutes on average, no promise; redelivery may take 30 days",
        ),
        KeyLayout(
            f"AWSLogs/[{{org}}/]{{account}}/CloudTrail-Lake/Query/{DAYS}",
            timedelta(days=3650),
            "results of a query, whenever it was made",
        ),
    ),
    about=About(
        recognised="the folder CloudTrail of AWSLogs, or records with eventName and eventVersion, in any envelope",
        delivered="a trail to S3 (gzip JSON) or CloudWatch Logs, EventBridge, LookupEvents, CloudTrail Lake",
        delay="about 5 minutes on average, no promise; redelivery for up to 30 days",
        minutes=15,
        organisation="organisation trail; recipientAccountId is the account, not the path",
        cannot_show=(
            BlindSpot("data", "Data events and network activity events that no selector chose."),
            BlindSpot("api", "Calls that an endpoint policy denied, unless network activity events are on."),
            BlindSpot(
                "workload",
                "What ran inside functions, containers and instances; kubectl; DNS; contents of objects and payloads.",
            ),
            BlindSpot("workload", "Fetches of credentials from the instance or container metadata endpoints."),
            BlindSpot(
                "api",
                "Services, and operations, that do not log to CloudTrail; requests refused before authentication in many services; pages of the console that call no API.",
            ),
            BlindSpot("api", "Calls that AWS's services make through internal APIs, of which some may be missing."),
        ),
    ),
)
