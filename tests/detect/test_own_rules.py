"""Our own rules: each with calls it must find and calls that look like them."""

from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
import yaml

from forensics import coverage, identity
from forensics.case import Case
from forensics.detect.convert import Rule, converted
from forensics.detect.rules import OWN, files
from forensics.playbook import playbooks
from tests.fresh import fresh_case
from tests.worlds import Record, add, call, role, user

DEV = user()
PIPELINE = role("deploy", "build-1", key="ASIAEXAMPLEDEPLOY")
ROOT = {
    "type": "Root",
    "arn": "arn:aws:iam::111122223333:root",
    "accountId": "111122223333",
    "principalId": "111122223333",
}
DENIED = {"errorCode": "AccessDenied"}
ALL = '{"Statement":[{"Effect":"Allow","Action": "*","Resource":"*"}]}'
SSE_C = {"x-amz-server-side-encryption-customer-algorithm": "AES256", "bucketName": "b"}


def asks(name: str, who: Record = DEV, at: str = "09:00:00", **asked: Any) -> Record:
    return call(who, name, at=at, requestParameters=asked or None)


def audit(verb: str, resource: str, who: str = "dev", code: int = 200, **more: Any) -> Record:
    subresource = more.pop("subresource", None)
    return {
        "kind": "Event",
        "auditID": f"{verb}-{resource}-{who}",
        "stage": "ResponseComplete",
        "verb": verb,
        "user": {"username": who},
        "objectRef": {"resource": resource, "subresource": subresource},
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

EXAMPLES: dict[str, tuple[list[Record], list[Record]]] = {
    "lambda_code_changed_by_a_person": (
        [asks(CODE), asks(CODE, PIPELINE) | {"sessionCredentialFromConsole": "true"}],
        [asks(CODE, PIPELINE), asks(CODE) | DENIED, asks("lambda:GetFunction20150331v2")],
    ),
    "lambda_layer_added": ([layered("arn:aws:lambda:us-east-1:444455556666:layer:x:1")], [layered()]),
    "lambda_url_without_authentication": ([asks(URL, authType="NONE")], [asks(URL, authType="AWS_IAM")]),
    "lambda_permission_to_everyone": (
        [asks(ADD, principal="*")],
        [asks(ADD, principal="*", principalOrgID="o-1"), asks(ADD, principal="s3.amazonaws.com")],
    ),
    "ecs_command_in_a_container": ([asks("ecs:ExecuteCommand")], [asks("ecs:ExecuteCommand") | DENIED]),
    "ecs_privileged_task_definition": (
        [
            asks(REGISTER, containerDefinitions=[{"privileged": False}, {"privileged": True}]),
            asks(REGISTER, pidMode="host"),
        ],
        [asks(REGISTER, containerDefinitions=[{"privileged": False}])],
    ),
    "ecs_task_definition_then_run": (
        [asks(REGISTER, at="09:00:00"), asks(RUN, at="09:10:00")],
        [asks(RUN, PIPELINE, "09:20:00"), asks(REGISTER, PIPELINE, "09:21:00")],
    ),
    "iam_access_key_for_another_user": (
        [asks("iam:CreateAccessKey", userName="ops")],
        [
            asks("iam:CreateAccessKey", userName="dev"),
            asks("iam:CreateAccessKey"),
            asks("iam:CreateAccessKey", userName="ops") | DENIED,
        ],
    ),
    "iam_administrator_policy_attached": (
        [
            asks("iam:AttachUserPolicy", policyArn="arn:aws:iam::aws:policy/AdministratorAccess"),
            asks("iam:PutRolePolicy", policyDocument=ALL),
        ],
        [
            asks("iam:AttachUserPolicy", policyArn="arn:aws:iam::aws:policy/ReadOnlyAccess"),
            asks("iam:PutRolePolicy", policyDocument=ALL.replace('"*"', '"s3:*"', 1)),
        ],
    ),
    "iam_trust_policy_changed": (
        [asks("iam:UpdateAssumeRolePolicy")],
        [asks("iam:UpdateAssumeRolePolicy", DEV | {"invokedBy": "cloudformation.amazonaws.com"})],
    ),
    "root_user_used": (
        [asks("s3:ListBuckets", ROOT)],
        [asks("s3:ListBuckets"), asks("s3:GetObject", ROOT | {"invokedBy": "support.amazonaws.com"})],
    ),
    "console_login_without_mfa": ([signed_in()], [signed_in("Failure"), signed_in(mfa="Yes")]),
    "cloudtrail_stopped_or_narrowed": ([asks("cloudtrail:StopLogging")], [asks("cloudtrail:StartLogging")]),
    "flow_logs_deleted": (
        [asks("ec2:DeleteFlowLogs")],
        [asks("ec2:CreateFlowLogs"), asks("ec2:DeleteFlowLogs") | DENIED],
    ),
    "guardduty_switched_off": (
        [
            asks("guardduty:DeleteDetector"),
            asks("guardduty:UpdateDetector", enable=False),
            asks("guardduty:CreateFilter", action="ARCHIVE"),
        ],
        [asks("guardduty:UpdateDetector", enable=True), asks("guardduty:CreateFilter", action="NOOP")],
    ),
    "instance_user_data_changed": (
        [asks("ec2:ModifyInstanceAttribute", userData="<sensitiveDataRemoved>")],
        [asks("ec2:ModifyInstanceAttribute", instanceType={"value": "t3.small"})],
    ),
    "command_on_hosts": (
        [asks("ssm:SendCommand"), asks("ssm:StartSession")],
        [asks("ssm:SendCommand", DEV | {"invokedBy": "ssm.amazonaws.com"}), asks("ssm:TerminateSession")],
    ),
    "snapshot_shared": (
        [
            asks(
                "ec2:ModifySnapshotAttribute", createVolumePermission={"add": {"items": [{"userId": "444455556666"}]}}
            ),
            asks("rds:ModifyDBSnapshotAttribute", valuesToAdd=["all"]),
        ],
        [
            asks(
                "ec2:ModifySnapshotAttribute",
                createVolumePermission={"remove": {"items": [{"userId": "444455556666"}]}},
            )
        ],
    ),
    "s3_objects_locked_with_a_customers_key": (minutes(10, locked), [asks("s3:CopyObject", bucketName="b")]),
    "denied_calls_of_many_kinds": (minutes(10, denied), [asks("s3:Get1", at="09:01:01")]),
    "many_secrets_read": (minutes(10, secret), []),
    "kubernetes_command_in_a_pod": (
        [audit("create", "pods", subresource="exec")],
        [
            audit("create", "pods", "system:serviceaccount:kube-system:x", subresource="exec"),
            audit("create", "pods", "eve", 403, subresource="exec"),
            audit("create", "pods", "ann"),
        ],
    ),
    "kubernetes_rights_given": (
        [audit("create", "clusterrolebindings")],
        [audit("get", "clusterrolebindings"), audit("patch", "clusterroles", "system:apiserver")],
    ),
    "kubernetes_pod_that_reaches_the_host": (
        [audit("create", "pods", requestObject=OPEN_POD), audit("create", "pods", "ann", requestObject=HOST_POD)],
        [audit("create", "pods", "bob", requestObject={"spec": {"containers": [{"name": "a"}]}})],
    ),
    "flow_to_a_mining_port": (
        [flow("203.0.113.7", 3333), flow("198.51.100.7", 14444)],
        [
            flow("10.0.2.7", 3333),
            flow("203.0.113.7", 443),
            flow("203.0.113.7", 3333, action="REJECT"),
            flow("203.0.113.7", 3333, srcport=443),
            flow("203.0.113.7", 3333, packets=1),
        ],
    ),
    "dns_name_of_a_mining_pool": (
        [{"query_name": "xmr-eu1.nanopool.org.", "query_timestamp": "2026-11-05T09:00:00Z"}],
        [{"query_name": "nanopool.org.example.com.", "query_timestamp": "2026-11-05T09:00:00Z"}],
    ),
    "web_path_to_credentials": (
        [line("/fetch?url=http://169.254.170.2/v2/credentials")],
        [line("/fetch?url=http://169.254.170.2/", 404), line("/index.html")],
    ),
}
FEW = {
    "s3_objects_locked_with_a_customers_key": minutes(9, locked),
    "denied_calls_of_many_kinds": [*minutes(9, denied), asks("s3:Get1", at="09:03:10") | DENIED],
    "many_secrets_read": [secret(0, f"09:0{place}:00") for place in range(10)],
}
"""For rules that count, what is one too few."""
TABLES = {"kubernetes": "eks_audit", "flow_to": "vpc_flow", "dns": "route53_resolver", "web": "alb"}


def table(name: str) -> str:
    return next((source for start, source in TABLES.items() if name.startswith(start)), "cloudtrail")


@pytest.fixture(scope="module")
def one_case(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Case]:
    with fresh_case(tmp_path_factory.mktemp("own") / "case") as case:
        yield case


def found(case: Case, name: str, records: list[Record]) -> list[int]:
    """The places of the records that the rule's findings cite."""
    con, source = case.connection, table(name)
    con.execute(f'DELETE FROM stored."{source}"')
    add(con, source, [record | {"eventID": f"e{place}"} for place, record in enumerate(records)])
    for stage in (identity, coverage):
        stage.resolve(con)
    case.detect(OWN / f"{name}.yml")
    cited = f"SELECT e.record FROM finding_evidence AS c JOIN event AS e ON e.event_id = c.event_id WHERE e.source = '{source}' ORDER BY 1"
    return [row[0] for row in con.execute(cited).fetchall()]


def test_every_rule_has_an_example() -> None:
    assert {path.stem for path in OWN.glob("*.yml")} == EXAMPLES.keys()


@pytest.mark.parametrize("name", EXAMPLES)
def test_a_rule_finds_what_it_is_for_and_nothing_near(one_case: Case, name: str) -> None:
    hits, misses = EXAMPLES[name]
    assert found(one_case, name, [*hits, *misses]) == list(range(len(hits)))


@pytest.mark.parametrize("name", FEW)
def test_one_too_few_is_not_enough(one_case: Case, name: str) -> None:
    assert found(one_case, name, FEW[name]) == []


@pytest.fixture(scope="module")
def rules() -> list[Rule]:
    return converted(files([OWN]))


def test_every_rule_converts(rules: list[Rule]) -> None:
    assert [(rule.place, rule.problem) for rule in rules if rule.problem] == []
    assert all(rule.predicates or rule.correlation for rule in rules)


def test_every_rule_says_what_it_is_about_and_what_else_it_may_be() -> None:
    for path in sorted(OWN.glob("*.yml")):
        first = next(iter(yaml.safe_load_all(Path(path).read_text("utf-8"))))
        assert first["description"].endswith("."), path
        assert first["falsepositives"], path
        assert any(tag.startswith("attack.t1") for tag in first["tags"]), path
        assert first["custom"]["playbook"] in playbooks(), path


def test_ids_and_titles_are_unique(rules: list[Rule]) -> None:
    ids = [rule.id for rule in rules if rule.id]
    assert len(set(ids)) == len(ids)
    assert len({rule.title for rule in rules}) == len(rules)
