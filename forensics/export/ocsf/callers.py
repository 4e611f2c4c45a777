"""Who called, in the classes that have an actor: details of each source, and the members made of them."""

from forensics.export.ocsf.sqls import NOT_RECORDED, endpoint, milliseconds, port, some, struct, text

DETAILS = {
    "operation": "VARCHAR",
    "service": "VARCHAR",
    "request_uid": "VARCHAR",
    "error": "VARCHAR",
    "error_message": "VARCHAR",
    "code": "BIGINT",
    "user_type": "VARCHAR",
    "user_uid": "VARCHAR",
    "user_uid_alt": "VARCHAR",
    "user_name": "VARCHAR",
    "user_account": "VARCHAR",
    "issuer": "VARCHAR",
    "invoked_by": "VARCHAR",
    "idp": "VARCHAR",
    "mfa": "BOOLEAN",
    "session_created": "TIMESTAMP",
    "request": "VARCHAR",
    "response": "VARCHAR",
    "read_only": "BOOLEAN",
    "src_port": "BIGINT",
    "vpc_endpoint": "VARCHAR",
    "uri": "VARCHAR",
}

CLOUDTRAIL = {
    "operation": "s.event_name",
    "service": "s.event_source",
    "request_uid": "s.request_id",
    "error": "nullif(s.error_code, '')",
    "error_message": "s.error_message",
    "user_type": "s.user_identity_type",
    "user_uid": "coalesce(nullif(s.user_identity_arn, ''), nullif(s.user_identity_principal_id, ''))",
    "user_uid_alt": "nullif(s.user_identity_principal_id, '')",
    "user_name": "coalesce(nullif(s.user_identity_user_name, ''), s.user_identity->>'$.sessionContext.sessionIssuer.userName')",
    "user_account": "nullif(s.user_identity_account_id, '')",
    "issuer": "s.session_issuer_arn",
    "invoked_by": "s.user_identity_invoked_by",
    "idp": "s.user_identity_identity_provider",
    "mfa": "CASE s.session_mfa_authenticated WHEN 'true' THEN TRUE WHEN 'false' THEN FALSE END",
    "session_created": "s.session_creation_date",
    "request": "s.request_parameters",
    "response": "s.response_elements",
    "read_only": "s.read_only",
    "vpc_endpoint": "s.vpc_endpoint_id",
    "feature": "CASE s.event_category WHEN 'Data' THEN 'Data' WHEN 'NetworkActivity' THEN 'Network Activity' ELSE 'Management' END",
    "fields": "s.unmapped",
}

USER = some(
    ("uid", "name", "account"),
    uid="d.user_uid",
    uid_alt="d.user_uid_alt",
    name="d.user_name",
    type="d.user_type",
    type_id="CASE WHEN d.user_type = 'Root' THEN 2 WHEN d.user_type = 'IAMUser' THEN 1 WHEN d.user_type = 'AWSService' THEN 3"
    " WHEN d.user_type IS NOT NULL THEN 99 ELSE 0 END",
    credential_uid="e.access_key_id",
    account=some((), uid="d.user_account"),
)
SESSION = some(
    ("uid", "issuer", "created_time", "is_mfa"),
    uid="e.session",
    issuer="d.issuer",
    is_mfa="d.mfa",
    created_time=milliseconds("d.session_created"),
    created_time_dt="CASE WHEN isfinite(d.session_created) THEN d.session_created END",
)
NOBODY = f"CASE WHEN {USER} IS NULL AND {SESSION} IS NULL AND d.invoked_by IS NULL THEN {text(NOT_RECORDED)} END"
ACTOR = struct(user=USER, session=SESSION, invoked_by="d.invoked_by", idp=some((), name="d.idp"), app_name=NOBODY)

SOURCE = f"""coalesce({endpoint("e.source_ip", port=port("d.src_port"), name="d.vpc_endpoint")},
    {struct(ip="CAST(NULL AS VARCHAR)", domain="CAST(NULL AS VARCHAR)", port="CAST(NULL AS INTEGER)", name=text(NOT_RECORDED))})"""
"""The source of a call, which OCSF demands: where nothing names it, its name says so."""

API = struct(
    operation=f"coalesce(d.operation, e.action, {text(NOT_RECORDED)})",
    service=some((), name="d.service"),
    request=some(("uid",), uid="d.request_uid", data="d.request"),
    response=some(
        (), error="d.error", error_message="d.error_message", code="CAST(d.code AS INTEGER)", data="d.response"
    ),
)
HTTP_REQUEST = some((), user_agent="e.user_agent", url=some((), path="d.uri"))
HTTP_RESPONSE = some((), code="CAST(d.code AS INTEGER)")
RESOURCES = f"CASE WHEN len(e.resources) > 0 THEN list_transform(e.resources, lambda r: {struct(uid='r')}) END"
CALLED = {
    "actor": ACTOR,
    "api": API,
    "src_endpoint": SOURCE,
    "http_request": HTTP_REQUEST,
    "status_code": "coalesce(d.error, CAST(d.code AS VARCHAR))",
    "status_detail": "d.error_message",
}
