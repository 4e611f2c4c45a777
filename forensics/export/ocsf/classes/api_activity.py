"""API Activity (6003): calls in CloudTrail, the Kubernetes API, requests in S3's server access logs."""

from forensics.export.ocsf.callers import CALLED, CLOUDTRAIL, DETAILS, HTTP_RESPONSE, RESOURCES
from forensics.export.ocsf.schema import OcsfClass, Records
from forensics.export.ocsf.sqls import text

SIGN_IN = "split_part(coalesce(s.event_source, ''), '.', 1) = 'signin'"
"""CloudTrail records that are of the class Authentication."""

_VERB = "lower(regexp_extract(d.operation, '^(?:REST\\.|SOAP\\.)?([A-Z]?[A-Za-z][a-z]*)', 1))"
_KINDS = {
    1: "create run register allocate import generate issue request start launch publish upload add post",
    2: "get list describe head lookup search query scan batch select test validate view watch read decrypt verify options",
    3: "update modify put set change attach associate enable tag untag reboot replace reset restore patch copy",
    4: "delete remove terminate deregister detach disassociate revoke release stop purge cancel disable deletecollection",
}
"""First words of operations, by activity."""
_BY_WORD = " ".join(
    f"WHEN {_VERB} IN ({', '.join(map(text, words.split()))}) THEN {uid}" for uid, words in _KINDS.items()
)

EKS = {
    "operation": "s.verb",
    "service": "'eks.amazonaws.com'",
    "request_uid": "s.audit_id",
    "error": "CASE WHEN s.response_code >= 400 THEN coalesce(s.response_reason, CAST(s.response_code AS VARCHAR)) END",
    "code": "s.response_code",
    "user_type": "'Kubernetes'",
    "user_uid": "s.iam_arn",
    "user_uid_alt": "s.user_uid",
    "user_name": "s.username",
    "request": "s.request_object",
    "response": "s.response_object",
    "uri": "s.request_uri",
    "fields": "s.unmapped",
}
S3 = {
    "operation": "s.operation",
    "service": "'s3.amazonaws.com'",
    "request_uid": "s.request_id",
    "error": "s.error_code",
    "code": "s.http_status",
    "user_uid": "s.requester",
    "uri": "s.key",
    "fields": "s.unmapped",
}
OCSF = {
    "operation": "s.api_operation",
    "service": "s.api_service_name",
    "request_uid": "s.request_id",
    "error": "s.error_code",
    "error_message": "s.status_detail",
    "code": "s.http_status",
    "user_type": "s.actor_user_type",
    "user_uid": "s.actor_user_uid",
    "user_uid_alt": "s.actor_user_uid_alt",
    "user_name": "s.user_name",
    "user_account": "s.actor_account_uid",
    "issuer": "s.actor_session_issuer",
    "invoked_by": "s.actor_invoked_by",
    "src_port": "s.src_port",
    "product": "coalesce(s.product_name, 'OCSF')",
    "vendor": "coalesce(s.metadata->>'$.product.vendor_name', 'not recorded')",
    "fields": "s.source_unmapped",
}

CLASS = OcsfClass(
    uid=6003,
    name="api_activity",
    caption="API Activity",
    category="Application Activity",
    activity=f"CASE WHEN d.read_only THEN 2 {_BY_WORD} WHEN d.operation IS NULL THEN 0 ELSE 99 END",
    activities={0: "Unknown", 1: "Create", 2: "Read", 3: "Update", 4: "Delete"},
    other_activity="d.operation",
    details=DETAILS,
    sources={
        "cloudtrail": Records("CloudTrail", CLOUDTRAIL, where=f"NOT ({SIGN_IN})"),
        "eks_audit": Records("Amazon EKS", EKS, "Elastic Kubernetes Service"),
        "s3_access": Records("Amazon S3", S3, "Server Access Logs"),
        "ocsf": Records("OCSF", OCSF, where="s.class_uid = 6003"),
    },
    members=CALLED | {"http_response": HTTP_RESPONSE, "resources": RESOURCES},
)
