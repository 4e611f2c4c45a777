"""Examples of our rules on logs and security services that are switched off."""

from tests.detect.example_records import CONSOLE, DENIED, DEV, ON_BEHALF, PIPELINE, Examples, Record, asks, call, each

SELECT = "cloudtrail:PutEventSelectors"
LIFECYCLE = "s3:PutBucketLifecycle"
ASKED = ("DescribeTrails", "GetTrailStatus", "GetEventSelectors", "GetInsightSelectors")


def selected(**more: object) -> Record:
    """A call that chooses what a trail records: everything, but for what is given."""
    return asks(SELECT, eventSelectors=[{"readWriteType": "All", "includeManagementEvents": True} | more])


def expires(**rule: object) -> Record:
    """A call that gives a bucket a lifecycle."""
    return asks(LIFECYCLE, bucketName="b", LifecycleConfiguration={"Rule": {"Status": "Enabled"} | rule})


def deleted(key: str, operation: str = "REST.DELETE.OBJECT", status: int = 204) -> Record:
    """A line of a server access log."""
    return {
        "time": "2026-11-05T09:00:00Z",
        "operation": operation,
        "bucket": "b",
        "key": key,
        "http_status": status,
        "requester": DEV["arn"],
    }


def balanced(value: str) -> Record:
    """A call that switches a load balancer's access log on or off."""
    return asks(
        "elasticloadbalancing:ModifyLoadBalancerAttributes",
        attributes=[{"key": "access_logs.s3.enabled", "value": value}],
    )


EXAMPLES: Examples = {
    "cloudtrail_stopped_or_narrowed": (
        [
            asks("cloudtrail:StopLogging"),
            selected(readWriteType="WriteOnly"),
            selected(includeManagementEvents=False),
            selected(excludeManagementEventSources=["kms.amazonaws.com"]),
            asks("cloudtrail:UpdateTrail", isMultiRegionTrail=False),
        ],
        [
            asks("cloudtrail:StartLogging"),
            selected(),
            asks("cloudtrail:UpdateTrail", isMultiRegionTrail=True),
            asks("cloudtrail:StopLogging") | DENIED,
        ],
    ),
    "cloudtrail_stopped_for_a_while": (
        [asks("cloudtrail:StopLogging", at="09:00:00"), asks("cloudtrail:StartLogging", at="09:30:00")],
        [asks("cloudtrail:StartLogging", PIPELINE, "09:00:00"), asks("cloudtrail:StopLogging", PIPELINE, "09:30:00")],
    ),
    "cloudtrail_sent_elsewhere": (
        [asks("cloudtrail:UpdateTrail", s3BucketName="other")],
        [asks("cloudtrail:UpdateTrail", isMultiRegionTrail=True), asks("cloudtrail:CreateTrail", s3BucketName="b")],
    ),
    "log_files_deleted": (
        [asks("s3:DeleteObject", key="AWSLogs/111122223333/CloudTrail/us-east-1/2026/11/05/x.json.gz")],
        [asks("s3:DeleteObject", key="invoices/1.pdf"), asks("s3:GetObject", key="AWSLogs/x.json.gz")],
    ),
    "log_files_deleted_by_request": (
        [deleted("AWSLogs/111122223333/x.json.gz"), deleted("org/AWSLogs/x.json.gz", "BATCH.DELETE.OBJECT")],
        [
            deleted("AWSLogs/x.json.gz", "REST.GET.OBJECT", 200),
            deleted("AWSLogs/x.json.gz", status=403),
            deleted("AWSLogs/x.json.gz", "S3.EXPIRE.OBJECT"),
            deleted("images/x.png"),
        ],
    ),
    "s3_many_objects_deleted_by_request": (
        [deleted(f"k{place}") for place in range(10)],
        [deleted("k", "REST.GET.OBJECT"), deleted("k", status=403)],
    ),
    "s3_objects_rewritten_by_request": (
        [deleted(f"k{place}", "REST.COPY.OBJECT", 200) for place in range(10)],
        [deleted("k", "REST.PUT.OBJECT"), deleted("k", "REST.COPY.OBJECT", 403)],
    ),
    "flow_logs_deleted": (
        [asks("ec2:DeleteFlowLogs")],
        [asks("ec2:CreateFlowLogs"), asks("ec2:DeleteFlowLogs") | DENIED],
    ),
    "dns_query_logs_deleted": (
        [asks("route53resolver:DeleteResolverQueryLogConfig"), asks("route53:DeleteQueryLoggingConfig")],
        [
            asks("route53resolver:CreateResolverQueryLogConfig"),
            asks("route53resolver:DeleteResolverQueryLogConfig") | DENIED,
        ],
    ),
    "service_logs_switched_off": (
        [
            asks("wafv2:DeleteLoggingConfiguration"),
            balanced("false"),
            asks("s3:PutBucketLogging", BucketLoggingStatus={"xmlns": "x"}),
            asks("bedrock:DeleteModelInvocationLoggingConfiguration"),
        ],
        [
            balanced("true"),
            asks("s3:PutBucketLogging", BucketLoggingStatus={"LoggingEnabled": {"TargetBucket": "logs"}}),
            asks("wafv2:PutLoggingConfiguration"),
        ],
    ),
    "guardduty_switched_off": (
        [
            asks("guardduty:DeleteDetector"),
            asks("guardduty:UpdateDetector", enable=False),
            asks("guardduty:CreateFilter", action="ARCHIVE"),
            asks("guardduty:CreateIPSet"),
            asks("guardduty:UpdateDetector", features=[{"name": "S3_DATA_EVENTS", "status": "DISABLED"}]),
        ],
        [
            asks("guardduty:UpdateDetector", enable=True),
            asks("guardduty:CreateFilter", action="NOOP"),
            asks("guardduty:DeleteDetector") | DENIED,
        ],
    ),
    "security_product_switched_off": (
        [asks("securityhub:DisableSecurityHub"), asks("macie2:DisableMacie"), asks("wafv2:DeleteWebACL")],
        [asks("securityhub:EnableSecurityHub"), asks("iam:DeletePolicy"), asks("inspector2:Disable") | DENIED],
    ),
    "config_recorder_stopped": (
        [asks("config:StopConfigurationRecorder"), asks("config:DeleteDeliveryChannel")],
        [asks("config:StartConfigurationRecorder"), asks("config:StopConfigurationRecorder") | DENIED],
    ),
    "log_group_deleted": (
        [asks("logs:DeleteLogGroup"), asks("logs:DeleteSubscriptionFilter")],
        [asks("logs:DeleteLogGroup", ON_BEHALF), asks("logs:CreateLogGroup")],
    ),
    "log_group_kept_briefly": (
        [asks("logs:PutRetentionPolicy", retentionInDays=1)],
        [
            asks("logs:PutRetentionPolicy", retentionInDays=90),
            asks("logs:PutRetentionPolicy", retentionInDays=1) | DENIED,
        ],
    ),
    "s3_objects_expire_soon": (
        [expires(Expiration={"Days": 1}), expires(NoncurrentVersionExpiration={"NoncurrentDays": 1})],
        [expires(Expiration={"Days": 30}), expires(Expiration={"Date": "2027-01-01"})],
    ),
    "alarms_taken_away": (
        [asks("monitoring:DeleteAlarms"), asks("events:DisableRule")],
        [asks("monitoring:DeleteAlarms", PIPELINE), asks("events:EnableRule")],
    ),
    "logging_looked_over": (
        each("cloudtrail", *ASKED),
        [call(DEV, "cloudtrail:LookupEvents"), call(ON_BEHALF, "guardduty:ListDetectors")],
    ),
    "switching_off_refused": (
        [asks("cloudtrail:StopLogging") | DENIED, asks("organizations:LeaveOrganization") | DENIED],
        [asks("cloudtrail:StopLogging"), asks("cloudtrail:DescribeTrails") | DENIED],
    ),
}
FEW = {
    "s3_many_objects_deleted_by_request": [deleted(f"k{place}") for place in range(9)],
    "s3_objects_rewritten_by_request": [deleted(f"k{place}", "REST.COPY.OBJECT", 200) for place in range(9)],
    "logging_looked_over": [
        *each("cloudtrail", *ASKED[:3]),
        call(DEV, "guardduty:ListDetectors", at="09:05:00") | CONSOLE,
    ],
}
