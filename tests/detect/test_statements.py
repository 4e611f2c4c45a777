"""Our own rules that are SQL: each with records it must find and records near to them; and how a run accounts for them."""

from collections.abc import Iterator
from pathlib import Path

import pytest

from forensics import attack, event, identity
from forensics.case import Case
from forensics.detect.report import Outcome
from forensics.detect.rules import own_playbook
from forensics.detect.statements import Statement, statements
from forensics.playbook import playbooks
from tests.detect.example_records import ALL, DENIED, DEV, OTHER, PIPELINE, Record, asks, minutes
from tests.fresh import fresh_case
from tests.worlds import add, role, user

STATEMENTS = {item.name: item for item in statements().values()}
WORKLOAD = role("web", "i-0123456789abcdef0", key="ASIAEXAMPLEWEB")
AWAY, HOME = {"sourceIPAddress": "203.0.113.7"}, {"sourceIPAddress": "198.51.100.7"}
FOREIGN = f'{{"Statement":[{{"Principal":{{"AWS":"arn:aws:iam::{OTHER}:root"}}}}]}}'
OWN = FOREIGN.replace(OTHER, "111122223333")
CONFIGURE = "lambda:UpdateFunctionConfiguration20150331v2"
LAYER = "arn:aws:lambda:us-east-1:{}:layer:x:1"
KEY = "arn:aws:kms:us-east-1:{}:key/0123"
ASKED = "x-amz-server-side-encryption-aws-kms-key-id"
SOURCE, CUSTOMER = "x-amz-copy-source", "x-amz-server-side-encryption-customer-algorithm"
NEW = user("new", key="AKIAEXAMPLENEW", uid="AIDAEXAMPLENEW")
FIRST, SECOND = f"sha256:{'1' * 64}", f"sha256:{'2' * 64}"


def pushed(digest: str, who: Record, at: str, tag: str = "prod") -> Record:
    answer = {"image": {"imageId": {"imageTag": tag, "imageDigest": digest}}}
    return asks("ecr:PutImage", who, at, repositoryName="web") | {"responseElements": answer}


def pulled(digest: str, at: str) -> Record:
    return asks("ecr:BatchGetImage", PIPELINE, at, repositoryName="web", imageIds=[{"imageDigest": digest}])


def assumes(name: str, account: str, at: str) -> Record:
    """A record of an assumption by a principal of another account, as the role's account has it."""
    who = {"type": "AWSAccount", "principalId": "AROAEXAMPLEX:x", "accountId": account}
    record = asks("sts:AssumeRole", who, at, roleArn=f"arn:aws:iam::111122223333:role/{name}")
    return record | {"recipientAccountId": "111122223333"}


def read(place: int, at: str) -> Record:
    return asks("s3:GetObject", at=at, bucketName="b", key=f"k{place}") | AWAY


EXAMPLES: dict[str, tuple[list[Record], list[Record]]] = {
    "credential_off_its_workload": (
        [asks("s3:ListBuckets", WORKLOAD) | AWAY],
        [asks("s3:ListBuckets", WORKLOAD) | HOME, asks("s3:ListBuckets") | AWAY],
    ),
    "iam_changed_by_a_workload": (
        [asks("iam:CreateUser", WORKLOAD), asks("iam:CreateAccessKey", WORKLOAD) | DENIED],
        [asks("iam:ListUsers", WORKLOAD), asks("iam:CreateUser"), asks("s3:PutObject", WORKLOAD)],
    ),
    "role_trusts_another_account": (
        [
            asks("iam:CreateRole", assumeRolePolicyDocument=FOREIGN),
            asks("iam:UpdateAssumeRolePolicy", policyDocument='{"Statement":[{"Principal": "*"}]}'),
            asks("iam:CreateRole", assumeRolePolicyDocument=f'{{"Principal":{{"AWS":"{OTHER}"}}}}'),
        ],
        [
            asks("iam:CreateRole", assumeRolePolicyDocument=OWN),
            asks("iam:CreateRole", assumeRolePolicyDocument='{"Principal":{"Service":"ec2.amazonaws.com"}}'),
            asks("iam:UpdateAssumeRolePolicy", policyDocument=FOREIGN) | DENIED,
            asks("iam:PutRolePolicy", policyDocument=ALL),
        ],
    ),
    "layer_of_another_account": (
        [asks(CONFIGURE, layers=[LAYER.format("111122223333"), LAYER.format(OTHER)])],
        [
            asks(CONFIGURE, layers=[LAYER.format("111122223333")]),
            asks(CONFIGURE, layers=[LAYER.format("580247275435")]),
        ],
    ),
    "object_locked_with_a_foreign_key": (
        [asks("s3:CopyObject", **{ASKED: KEY.format(OTHER)})],
        [asks("s3:CopyObject", **{ASKED: KEY.format("111122223333")}), asks("s3:PutObject", key="k")],
    ),
    "object_rewritten_in_place": (
        [asks("s3:CopyObject", bucketName="b", key="a/k", **{SOURCE: "b/a/k", CUSTOMER: "AES256"})],
        [
            asks("s3:CopyObject", bucketName="b", key="a/k", **{SOURCE: "b/a/k"}),
            asks("s3:CopyObject", bucketName="b", key="a/k", **{SOURCE: "c/a/k", CUSTOMER: "AES256"}),
        ],
    ),
    "opened_role_assumed": (
        [assumes("r", OTHER, "10:00:00")],
        [
            asks("iam:CreateRole", at="09:00:00", roleName="r", assumeRolePolicyDocument=FOREIGN),
            assumes("r", OTHER, "08:00:00"),
            assumes("other", OTHER, "10:00:00"),
            assumes("r", "777788889999", "10:00:00"),
        ],
    ),
    "key_used_by_its_maker": (
        [asks("s3:ListBuckets", NEW, "09:10:00") | AWAY],
        [
            asks("iam:CreateAccessKey", userName="new")
            | AWAY
            | {"responseElements": {"accessKey": {"accessKeyId": "AKIAEXAMPLENEW"}}},
            asks("s3:ListBuckets", NEW, "09:20:00") | HOME,
            asks("s3:ListBuckets", at="09:20:00") | AWAY,
        ],
    ),
    "image_tag_taken_over": (
        [pushed(SECOND, DEV, "10:00:00")],
        [
            pushed(FIRST, PIPELINE, "09:00:00"),
            pushed(SECOND, PIPELINE, "09:30:00"),
            pushed(FIRST, DEV, "10:01:00", "dev"),
        ],
    ),
    "image_that_nobody_pushed": (
        [pulled(SECOND, "10:00:00")],
        [
            asks("ecr:CreateRepository", PIPELINE, "08:00:00", repositoryName="web"),
            pushed(FIRST, PIPELINE, "09:00:00"),
            pulled(FIRST, "10:00:00"),
        ],
    ),
    "bucket_listed_then_read": (
        minutes(10, read),
        [
            asks("s3:ListBuckets", at="09:00:00") | AWAY,
            asks("s3:GetObject", at="09:05:00", bucketName="b", key="k0") | HOME,
            asks("s3:GetObject", at="09:45:00", bucketName="b", key="k11") | AWAY,
        ],
    ),
}


@pytest.fixture(scope="module")
def one_case(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Case]:
    with fresh_case(tmp_path_factory.mktemp("statements") / "case") as case:
        con = case.connection
        con.execute(
            "INSERT INTO credential_workload BY NAME SELECT 'ASIAEXAMPLEWEB' AS access_key_id, 'w' AS workload, 'recorded' AS certainty, 'x' AS via, 1 AS candidates"
        )
        con.execute(
            "INSERT INTO credential_use BY NAME SELECT 'ASIAEXAMPLEWEB' AS access_key_id, 'w' AS workload, 'recorded' AS certainty, '203.0.113.7' AS address, 1 AS calls, 'e0' AS first_event_id, 'outside' AS place, 'x' AS why"
        )
        yield case


@pytest.fixture(autouse=True)
def no_files(tmp_path_factory: pytest.TempPathFactory, monkeypatch: pytest.MonkeyPatch) -> None:
    """Of our own rules the statements only."""
    monkeypatch.setattr("forensics.detect.run.OWN", tmp_path_factory.mktemp("none"))


def put(case: Case, records: list[Record]) -> None:
    case.connection.execute("DELETE FROM stored.cloudtrail")
    add(case.connection, "cloudtrail", [record | {"eventID": f"e{place}"} for place, record in enumerate(records)])
    identity.resolve(case.connection)
    event.resolve_copies(case.connection)


def cited(case: Case, name: str) -> list[int]:
    """The places of the records that findings of a statement cite."""
    sql = """
SELECT e.record
FROM finding_evidence AS c
JOIN event AS e ON e.event_id = c.event_id
WHERE split_part(c.finding_id, ':', 2) = ?
ORDER BY 1"""
    return [int(row[0]) for row in case.connection.execute(sql, [STATEMENTS[name].id]).fetchall()]


def outcome(case: Case, name: str, **more: str) -> Outcome:
    found = case.detect(**more)
    return next(item for item in found.outcomes if item.rule.id == STATEMENTS[name].id)


def test_every_statement_has_an_example() -> None:
    assert STATEMENTS.keys() == EXAMPLES.keys()


@pytest.mark.parametrize("name", EXAMPLES)
def test_a_statement_finds_what_it_is_for_and_nothing_near(one_case: Case, name: str) -> None:
    hits, misses = EXAMPLES[name]
    put(one_case, [*hits, *misses])
    found = outcome(one_case, name)
    assert (found.state, found.why) == ("fired", "")
    assert cited(one_case, name) == list(range(len(hits)))


def test_nine_objects_are_no_bucket_read(one_case: Case) -> None:
    put(one_case, [asks("s3:ListBuckets", at="09:00:00") | AWAY, *minutes(9, read)])
    assert outcome(one_case, "bucket_listed_then_read").state == "loaded"


def test_a_statement_keeps_to_the_window(one_case: Case) -> None:
    put(one_case, [asks("iam:CreateUser", WORKLOAD, "09:00:00"), asks("iam:CreateUser", WORKLOAD, "11:00:00")])
    assert outcome(one_case, "iam_changed_by_a_workload", start="2026-11-05T10:00").hits == 1


def test_an_allow_list_holds_for_a_statement_too(one_case: Case, tmp_path: Path) -> None:
    put(one_case, EXAMPLES["iam_changed_by_a_workload"][0])
    lists = tmp_path / "allow.yml"
    lists.write_text("principals: ['*:role/web']\n", "utf-8")
    found = outcome(one_case, "iam_changed_by_a_workload", allowed=str(lists))
    assert (found.state, found.why) == ("loaded", "2 allowed")


def test_without_its_source_a_statement_is_inert(one_case: Case) -> None:
    put(one_case, [])
    found = outcome(one_case, "role_trusts_another_account")
    assert (found.state, found.why) == ("inert", "the case has no records of cloudtrail")


def test_named_rules_alone_run_no_statement(one_case: Case, tmp_path: Path) -> None:
    rule = tmp_path / "rule.yml"
    rule.write_text(
        "title: x\nlogsource: {product: aws, service: cloudtrail}\ndetection: {a: {eventName: X}, condition: a}\n"
    )
    assert [item.rule.title for item in one_case.detect(rule).outcomes] == ["x"]


@pytest.mark.parametrize("statement", STATEMENTS.values(), ids=list(STATEMENTS))
def test_a_statement_says_what_it_is_about_and_what_else_it_may_be(statement: Statement) -> None:
    assert statement.description.endswith(".")
    assert statement.false_positives
    assert statement.references
    assert list(statement.techniques) == [attack.current(item) for item in statement.techniques]
    assert statement.playbook in playbooks()
    assert own_playbook(f"sigma:{statement.id}:0") == statement.playbook
    assert not any(word in statement.sql for word in ("GROUP BY ALL", "lambda ", "ASOF", "BY NAME", "list_"))


def test_an_unknown_level_is_refused() -> None:
    known = STATEMENTS["iam_changed_by_a_workload"]
    with pytest.raises(ValueError, match="'urgent' is none of informational"):
        Statement(known.name, known.title, "urgent", (), "", (), (), "", "")
