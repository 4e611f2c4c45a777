"""A small loaded case for the explorer: a function's key used from outside, flows, a finding, and hostile text everywhere."""

import json
from pathlib import Path

from forensics.case import Case
from tests.loading import FLOW, TRAIL_KEY, loaded, records
from tests.workload_worlds import ORDERS, in_scope
from tests.worlds import ACCOUNT, Record, call, role, user

OUTSIDE = "203.0.113.77"
KEY = "ASIAEXAMPLESTOLEN"
ROLE = f"arn:aws:iam::{ACCOUNT}:role/orders-fn-role"
SESSION = f"arn:aws:sts::{ACCOUNT}:assumed-role/orders-fn-role/orders-fn"
BUCKET = "arn:aws:s3:::orders-data"
FINDING = "finding-of-theft"
HOSTILE = "<img src=x onerror=\"document.title='owned'\"></script><script>document.title='owned'</script>'; DROP TABLE event; --"
HIDDEN = "a\u202egpj\x1b[31m"
READS, DENIED = 8, 3

STOLEN = in_scope(role("orders-fn-role", "orders-fn", key=KEY), ORDERS)


def calls() -> list[Record]:
    """Reads from outside with the function's key, refused calls, a person's calls, and one call of an adversary's making."""
    bucket = {
        "requestParameters": {"bucketName": "orders-data"},
        "resources": [{"ARN": BUCKET, "type": "AWS::S3::Bucket"}],
    }
    outside = {"sourceIPAddress": OUTSIDE, "userAgent": "aws-cli/2.31"}
    made = [
        call(STOLEN, "s3:GetObject", at=f"09:1{n}:00", eventID=f"read-{n}", **bucket, **outside) for n in range(READS)
    ]
    made += [
        call(STOLEN, "iam:ListUsers", at=f"09:2{n}:00", eventID=f"denied-{n}", errorCode="AccessDenied", **outside)
        for n in range(DENIED)
    ]
    made += [call(user(), "s3:ListBuckets", at="08:00:00", eventID="of-a-person")]
    attacker = role(HOSTILE, HOSTILE, key=HOSTILE)
    asked = {"bucketName": HOSTILE, "key": HIDDEN}
    attack = {"sourceIPAddress": HOSTILE, "userAgent": HOSTILE, "awsRegion": HOSTILE, "errorMessage": HOSTILE}
    named = {"resources": [{"ARN": HOSTILE, "type": "AWS::S3::Object"}], "requestParameters": asked}
    made += [call(attacker, f"s3:{HOSTILE}", at="09:30:00", eventID=HOSTILE, **attack, **named)]
    return made


def finding() -> bytes:
    """The theft as GuardDuty tells it, under a hostile title."""
    remote = {"api": "GetObject", "remoteIpDetails": {"ipAddressV4": OUTSIDE}}
    key = {
        "accessKeyId": KEY,
        "principalId": "AROAORDERSFNROLE:orders-fn",
        "userType": "AssumedRole",
        "userName": "orders-fn-role",
    }
    made = {
        "schemaVersion": "2.0",
        "accountId": ACCOUNT,
        "region": "us-east-1",
        "id": FINDING,
        "type": "UnauthorizedAccess:IAMUser/InstanceCredentialExfiltration.OutsideAWS",
        "severity": 8.0,
        "title": f"Key used outside {HOSTILE}",
        "createdAt": "2026-11-05T09:30:00.000Z",
        "updatedAt": "2026-11-05T09:30:00.000Z",
        "resource": {"resourceType": "AccessKey", "accessKeyDetails": key},
        "service": {
            "serviceName": "guardduty",
            "eventFirstSeen": "2026-11-05T09:10:00.000Z",
            "eventLastSeen": "2026-11-05T09:20:00.000Z",
            "action": {"actionType": "AWS_API_CALL", "awsApiCallAction": remote},
        },
    }
    return json.dumps(made).encode()


def fill(case: Case, folder: Path) -> None:
    """Add and load it all."""
    files = {
        TRAIL_KEY: records(*calls()),
        f"AWSLogs/{ACCOUNT}/vpcflowlogs/us-east-1/2026/11/05/flows.log": f"{FLOW}\n{FLOW.replace('ACCEPT', 'REJECT')}".encode(),
        f"AWSLogs/{ACCOUNT}/GuardDuty/us-east-1/2026/11/05/made-up.jsonl": finding(),
    }
    loaded(case, folder, files)


def made(root: Path) -> Path:
    """The path of such a case, closed."""
    with Case.create(root / "case") as case:
        fill(case, root / "logs")
    return root / "case"
