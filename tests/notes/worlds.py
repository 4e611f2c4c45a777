"""A small case for tests of notes: five calls of one object."""

import json
from pathlib import Path

from forensics import custody
from forensics.case import Case
from forensics.evidence import add
from forensics.load import load


def call(number: int) -> dict[str, object]:
    return {
        "eventVersion": "1.11",
        "eventID": f"event-{number}",
        "eventTime": f"2026-11-05T09:00:0{number}Z",
        "eventSource": "s3.amazonaws.com",
        "eventName": "GetObject",
        "awsRegion": "eu-west-1",
        "recipientAccountId": "111122223333",
        "eventType": "AwsApiCall",
        "userIdentity": {
            "type": "IAMUser",
            "arn": "arn:aws:iam::111122223333:user/anna",
            "accountId": "111122223333",
            "userName": "anna",
            "accessKeyId": "AKIAIOSFODNN7EXAMPLE",
        },
    }


def five_calls(root: Path) -> Path:
    """The path of a case of them, made in that directory."""
    (root / "logs").mkdir()
    (root / "logs" / "calls.json").write_text(json.dumps({"Records": [call(number) for number in range(5)]}))
    with Case.create(root / "case") as case:
        custody.append(case.path, "new")
        add(case, root / "logs")
        load(case, workers=1)
    return root / "case"
