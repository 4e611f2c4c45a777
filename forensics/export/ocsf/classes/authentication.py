"""Authentication (3002): sign-ins to the console and to access portals in CloudTrail."""

from forensics.export.ocsf.callers import CALLED, CLOUDTRAIL, DETAILS, SESSION, USER
from forensics.export.ocsf.classes.api_activity import OCSF, SIGN_IN
from forensics.export.ocsf.schema import OcsfClass, Records
from forensics.export.ocsf.sqls import NOT_RECORDED, struct, text

_USED = "CASE s.additional_event_data->>'$.MFAUsed' WHEN 'Yes' THEN TRUE WHEN 'No' THEN FALSE END"
_NOBODY = struct(
    uid="CAST(NULL AS VARCHAR)",
    uid_alt="CAST(NULL AS VARCHAR)",
    name=text(NOT_RECORDED),
    type="d.user_type",
    type_id="0",
    credential_uid="e.access_key_id",
    account=f"CAST(NULL AS {'STRUCT(uid VARCHAR)'})",
)

CLASS = OcsfClass(
    uid=3002,
    name="authentication",
    caption="Authentication",
    category="Identity & Access Management",
    activity="CASE WHEN d.operation IN ('ConsoleLogin', 'UserAuthentication', 'Federate') THEN 1"
    " WHEN d.operation IN ('Logout', 'ConsoleLogout') THEN 2 WHEN d.operation IS NULL THEN 0 ELSE 99 END",
    activities={0: "Unknown", 1: "Logon", 2: "Logoff"},
    other_activity="d.operation",
    details=DETAILS,
    sources={
        "cloudtrail": Records(
            "CloudTrail", CLOUDTRAIL | {"mfa": f"coalesce({_USED}, {CLOUDTRAIL['mfa']})"}, where=SIGN_IN
        ),
        "ocsf": Records("OCSF", OCSF, where="s.class_uid = 3002"),
    },
    members=CALLED
    | {
        "user": f"coalesce({USER}, {_NOBODY})",
        "session": SESSION,
        "service": struct(name=f"coalesce(d.service, d.product, {text(NOT_RECORDED)})"),
        "is_mfa": "d.mfa",
    },
)
