"""Records that the examples of our own rules are made of."""

from typing import Any

from tests.worlds import Record, call, role, user

DEV = user()
PIPELINE = role("deploy", "build-1", key="ASIAEXAMPLEDEPLOY")
ROOT = {
    "type": "Root",
    "arn": "arn:aws:iam::111122223333:root",
    "accountId": "111122223333",
    "principalId": "111122223333",
}
DENIED = {"errorCode": "AccessDenied"}
UNAUTHORIZED = {"errorCode": "Client.UnauthorizedOperation"}
CONSOLE = {"sessionCredentialFromConsole": "true"}
ON_BEHALF = DEV | {"invokedBy": "cloudformation.amazonaws.com"}
ON_INSTANCE = role("web", "i-0123456789abcdef0", key="ASIAEXAMPLEWEB", ec2RoleDelivery="2.0")
POD = "system:serviceaccount:pay:api"
CLUSTER = "system:serviceaccount:kube-system:daemon-set-controller"
OTHER = "444455556666"
ALL = '{"Statement":[{"Effect":"Allow","Action": "*","Resource":"*"}]}'
SSE_C = {"x-amz-server-side-encryption-customer-algorithm": "AES256", "bucketName": "b"}


def asks(name: str, who: Record = DEV, at: str = "09:00:00", **asked: Any) -> Record:
    return call(who, name, at=at, requestParameters=asked or None)


def audit(verb: str, resource: str, who: str = "dev", code: int = 200, **more: Any) -> Record:
    about = {name: more.pop(name, None) for name in ("subresource", "namespace", "name")}
    return {
        "kind": "Event",
        "auditID": f"{verb}-{resource}-{who}",
        "stage": "ResponseComplete",
        "verb": verb,
        "user": {"username": who},
        "objectRef": {"resource": resource} | about,
        "responseStatus": {"code": code},
        "stageTimestamp": "2026-11-05T09:00:00Z",
    } | more


def flow(dstaddr: str, dstport: int, **more: Any) -> Record:
    return (
        {"srcaddr": "10.0.1.5", "dstaddr": dstaddr, "srcport": 43122, "dstport": dstport, "protocol": 6, "packets": 40}
        | {
            "action": "ACCEPT",
            "start": "2026-11-05T09:00:00Z",
        }
        | more
    )


def line(uri: str, status: int = 200) -> Record:
    request = f"GET https://shop.example.com:443{uri} HTTP/1.1"
    return {"time": "2026-11-05T09:00:00Z", "request": request, "elb_status_code": status}


def times(count: int, name: str, who: Record = DEV, **more: Any) -> list[Record]:
    """The same call again and again, twenty seconds apart; `more` of it are members of the record."""
    return minutes(count, lambda _, at: call(who, name, at=at) | more)


def each(service: str, *names: str, who: Record = DEV, **more: Any) -> list[Record]:
    """Calls of one service, one after the other."""
    return minutes(len(names), lambda place, at: call(who, f"{service}:{names[place]}", at=at) | more)


def minutes(count: int, make: Any) -> list[Record]:
    return [make(place, f"09:{place // 3:02}:{place % 3 * 20:02}") for place in range(count)]


def denied(place: int, at: str) -> Record:
    return asks(f"s3:Get{place}", at=at) | DENIED


def secret(place: int, at: str) -> Record:
    return asks("secretsmanager:GetSecretValue", at=at, secretId=f"secret-{place}")


def locked(place: int, at: str) -> Record:
    return asks("s3:CopyObject", at=at, key=f"k{place}", **SSE_C)


def layered(*layers: str) -> Record:
    return asks("lambda:UpdateFunctionConfiguration20150331v2", layers=list(layers))


def signed_in(result: str = "Success", mfa: str = "No") -> Record:
    answer = {"responseElements": {"ConsoleLogin": result}, "additionalEventData": {"MFAUsed": mfa}}
    return call(DEV, "signin:ConsoleLogin") | answer


ADD = "lambda:AddPermission20150331v2"
URL = "lambda:CreateFunctionUrlConfig"
CODE = "lambda:UpdateFunctionCode20150331v2"
REGISTER, RUN = "ecs:RegisterTaskDefinition", "ecs:RunTask"
OPEN_POD = {"spec": {"containers": [{"name": "a"}, {"securityContext": {"privileged": True}}]}}
HOST_POD = {"spec": {"volumes": [{"name": "x", "hostPath": {"path": "/"}}]}}

Examples = dict[str, tuple[list[Record], list[Record]]]
"""By the name of a rule: records that it must find, and records near to them that it must not."""
Few = dict[str, list[Record]]
"""By the name of a rule that counts: what is one too few."""
