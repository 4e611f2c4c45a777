"""Ways back: what opened each, what it gives, what ended it."""

import shlex
from pathlib import Path
from typing import Any

from forensics.analysis.acts import calls_of
from forensics.analysis.iam_persistence import investigate
from forensics.analysis.ways_back import ACTIONS, KINDS, Way, ways
from forensics.analysis.ways_back_words import closing, gives
from forensics.report.display import show_commands, show_statements
from tests.analysis.suspect_worlds import OFFICE, at_work
from tests.analysis.theft_worlds import OUTSIDE, case_of, used
from tests.worlds import Record, user

DEV, ADMIN = user(), user("admin", key="AKIAEXAMPLEADMIN", uid="AIDAEXAMPLEADMIN")


def opened(action: str, at: str = "09:00:00", answer: Record | None = None, /, **asked: Any) -> Record:
    """A call of the developer's key from outside."""
    return used(DEV, OUTSIDE, action, at=at, requestParameters=asked, responseElements=answer)


def ended(action: str, at: str = "10:00:00", /, **asked: Any) -> Record:
    """A call of the administrator's."""
    return used(ADMIN, OFFICE, action, at=at, requestParameters=asked)


def found(tmp_path: Path, *records: Record) -> list[Way]:
    with case_of(tmp_path, cloudtrail=list(records)) as case:
        return ways(case, calls_of(case, ACTIONS))


def key_made(user_name: str = "x") -> Record:
    return opened(
        "iam:CreateAccessKey", "09:00:00", {"accessKey": {"accessKeyId": "AKIAEXAMPLENEW"}}, userName=user_name
    )


def test_every_kind_of_way_stands_once() -> None:
    assert len({kind.action for kind in KINDS}) == len(KINDS)


def test_a_key_is_ended_by_whoever_deletes_it_or_its_user_and_not_by_what_concerns_another(tmp_path: Path) -> None:
    other = ended("iam:DeleteAccessKey", accessKeyId="AKIAEXAMPLEOTHER", userName="x")
    active = ended("iam:UpdateAccessKey", accessKeyId="AKIAEXAMPLENEW", userName="x", status="Active")
    (open_way,) = found(tmp_path / "a", key_made(), other, active)
    assert (open_way.name, open_way.end) == ("AKIAEXAMPLENEW of x", None)
    off = ended("iam:UpdateAccessKey", accessKeyId="AKIAEXAMPLENEW", userName="x", status="Inactive")
    (switched_off,) = found(tmp_path / "b", key_made(), off)
    assert switched_off.end and (switched_off.end.action, switched_off.end.principal) == (
        "iam:UpdateAccessKey",
        ADMIN["arn"],
    )
    (gone,) = found(tmp_path / "c", key_made(), ended("iam:DeleteUser", userName="x"))
    assert gone.end and gone.end.action == "iam:DeleteUser"


def test_a_policy_taken_from_another_user_ends_nothing(tmp_path: Path) -> None:
    made = opened("iam:AttachUserPolicy", userName="x", policyArn="arn:aws:iam::aws:policy/AdministratorAccess")
    taken = ended("iam:DetachUserPolicy", userName="y", policyArn="arn:aws:iam::aws:policy/AdministratorAccess")
    (way,) = found(tmp_path, made, taken)
    assert way.end is None
    assert gives(way) == "x has AdministratorAccess: every action on every resource"


def test_what_was_ended_before_or_failed_is_not_ended_and_not_a_way(tmp_path: Path) -> None:
    early = ended("iam:DeleteUser", "08:00:00", userName="x")
    refused = opened("iam:CreateUser", "09:01:00", userName="y") | {"errorCode": "AccessDenied"}
    (way,) = found(tmp_path, early, opened("iam:CreateUser", userName="x"), refused)
    assert (way.name, way.end) == ("x", None)


def test_a_function_is_the_same_by_name_and_by_arn(tmp_path: Path) -> None:
    arn = "arn:aws:lambda:us-east-1:111122223333:function:sync"
    made = opened("lambda:CreateFunctionUrlConfig", functionName=arn, authType="NONE")
    (way,) = found(tmp_path, made, ended("lambda:DeleteFunctionUrlConfig", functionName="sync"))
    assert (way.name, way.end and way.end.action) == ("sync", "lambda:DeleteFunctionUrlConfig")
    assert gives(way) == "the function can be run over a URL by anybody who knows it, without a credential"


def test_a_changed_trust_says_whom_it_lets_in_and_that_it_was_changed_again(tmp_path: Path) -> None:
    document = '{"Statement": [{"Effect": "Allow", "Principal": {"AWS": "arn:aws:iam::444455556666:root"}}]}'
    made = opened("iam:UpdateAssumeRolePolicy", roleName="r", policyDocument=document)
    back = ended("iam:UpdateAssumeRolePolicy", roleName="r", policyDocument="{}")
    with case_of(tmp_path, cloudtrail=[*at_work(), made, back]) as case:
        answer = investigate(case)
        (row,) = answer.what_is_left.to_dict("records")
        assert row["gives"] == "the role may be assumed by arn:aws:iam::444455556666:root"
        assert row["ended"].startswith(f"changed again at 2026-11-05 10:00:00 UTC by {ADMIN['arn']}")
        assert "Each was ended again" in answer.verdict


def test_what_brings_keys_back_is_stopped_first(tmp_path: Path) -> None:
    rule = opened("events:PutRule", "09:05:00", name="again", scheduleExpression="rate(1 hour)")
    login = opened("iam:CreateLoginProfile", userName="x")
    with case_of(tmp_path, cloudtrail=[*at_work(), login, rule]) as case:
        commands = [item.command for item in investigate(case).containment]
    assert commands[0] == "aws events disable-rule --region us-east-1 --name again"
    assert "aws iam delete-login-profile --user-name x" in commands


def test_names_from_the_log_are_neither_markup_nor_shell(tmp_path: Path) -> None:
    name = "<script>alert(1)</script>'; rm -rf /tmp/x; echo '"
    with case_of(tmp_path, cloudtrail=[*at_work(), opened("iam:CreateLoginProfile", userName=name)]) as case:
        answer = investigate(case)
        shown = show_statements(answer.statements).html + show_commands(answer.containment).html
        (command,) = [item for way in answer.ways for item in closing(way)]
    assert "<script>" not in shown and "&lt;script&gt;" in shown
    assert shlex.split(command.command)[-1] == name
