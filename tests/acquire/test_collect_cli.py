"""The command `forensics collect`: what it prints, how it ends, what a killed run leaves."""

import json
import subprocess
import sys
from datetime import datetime
from pathlib import Path

import pytest

from forensics import cli
from forensics.case import Case
from forensics.cli.collect import _lost, arguments, wanted_of
from forensics.errors import UsageError
from tests.acquire.aws_worlds import World
from tests.meddling import Meddler, refused_xml

Ran = tuple[int, str, str]


def run(capsys: pytest.CaptureFixture[str], *argv: str) -> Ran:
    status = cli.main(["collect", *argv])
    printed = capsys.readouterr()
    return status, printed.out, printed.err


@pytest.fixture
def closed(case: Case) -> str:
    case.close()
    return str(case.path)


NOTHING = {
    "/findings": b'{"findingIds": []}',
    "find=LayerVersion": b"{}",
    "ListEventDataStores": b'{"EventDataStores": []}',
    "GetDiscoveredResourceCounts": b'{"resourceCounts": []}',
}
"""What moto cannot answer; boto3 would ask it eight times."""


@pytest.fixture
def where(between: Meddler) -> list[str]:
    between.rules.append(
        lambda asked: next(
            ((200, "application/json", body) for name, body in NOTHING.items() if name in asked.name), None
        )
    )
    return ["--endpoint-url", between.url, "--region", "us-east-1"]


def test_it_says_what_was_asked_what_came_and_what_is_next(
    closed: str, where: list[str], world: World, capsys: pytest.CaptureFixture[str]
) -> None:
    status, out, err = run(capsys, closed, "ecs", "--task", world.task, *where)
    assert (status, err) == (0, "")
    note, *lines = out.splitlines()
    assert note == "without --from T no records are asked for: lookup-events"
    assert lines[0].split() == ["service", "operation", "pages", "items", "refused"]
    assert ["ecs", "DescribeTasks", "1", "1", "0"] in [line.split() for line in lines]
    assert lines[-2].startswith("complete: 15 objects seen")
    assert lines[-1] == f"next: forensics load {closed}"


def test_what_is_denied_is_said_and_how_to_be_allowed(
    closed: str, where: list[str], between: Meddler, world: World, capsys: pytest.CaptureFixture[str]
) -> None:
    denied = refused_xml(403, "UnauthorizedOperation", "You are\nnot \u202eauthorized")
    between.rules.append(lambda asked: denied if asked.name == "DescribeFlowLogs" else None)
    status, out, _ = run(capsys, closed, "ecs", "--task", world.task, *where)
    assert status == 0
    assert "partial: " in out and "\u202e" not in out
    assert "not had: ec2 DescribeFlowLogs, us-east-1: UnauthorizedOperation: You are not" in out
    assert "what the caller needs: forensics collect --print-policy ecs" in out


@pytest.mark.parametrize("argv", [["account"], ["account", "--regions", "all"], ["lambda", "--function", "shop"]])
def test_without_credentials_it_says_so_and_nothing_is_begun(
    closed: str, where: list[str], argv: list[str], monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    for name in ("AWS_ACCESS_KEY_ID", "AWS_SECRET_ACCESS_KEY"):
        monkeypatch.delenv(name, raising=False)
    status, out, err = run(capsys, closed, *argv, *where)
    assert (status, out) == (1, "")
    assert "NoCredentialsError" in err and "check the profile" in err and err.count("\n") == 1
    with Case.open(closed) as case:
        assert case.sql("SELECT count(*) FROM acquisition").rows() == [(0,)]


def test_one_trouble_of_many_places_is_one_line() -> None:
    problems = [
        {
            "what": f"aws://111122223333/{region}/ec2/DescribeVpcs/-/20261105T091000000000Z",
            "code": "AuthFailure",
            "message": "x" * 500,
        }
        for region in ("ap-east-1", "me-south-1", "af-south-1")
    ]
    told = {
        "what": "aws://111122223333/eu-west-1/logs/FilterLogEvents/logGroupName=%2Faws%2Fx/00000.json",
        "code": "E",
        "message": "",
    }
    first, second, third = _lost([*problems, told, {"what": "AKIA=", "code": "UnknownAttribute", "message": "no"}])
    assert first.startswith("not had: ec2 DescribeVpcs, ap-east-1 and 2 more: AuthFailure: ") and len(first) < 260
    assert second == "not had: logs FilterLogEvents, eu-west-1 logGroupName=/aws/x 00000.json: E"
    assert third == "not had: AKIA=, as said: UnknownAttribute: no"


def test_expired_credentials_fail_after_the_table(
    closed: str, where: list[str], between: Meddler, world: World, capsys: pytest.CaptureFixture[str]
) -> None:
    expired = refused_xml(403, "ExpiredToken", "The token is expired")
    between.rules.append(lambda asked: expired if asked.name == "GetRole" else None)
    status, out, err = run(capsys, closed, "lambda", "--function", "shop", *where)
    assert status == 1
    assert "partial: " in out
    assert "ExpiredToken" in err and "what came before is in the case" in err


def test_a_wrong_name_is_wrong_usage(closed: str, where: list[str], capsys: pytest.CaptureFixture[str]) -> None:
    status, _, err = run(capsys, closed, "lambda", "--function", "shp", *where)
    assert status == 2
    assert "no Lambda function named 'shp'; known: other, shop" in err


@pytest.mark.parametrize(
    ("argv", "said"),
    [
        ([], "say which case and what"),
        (["CASE"], "say which case and what"),
        (["CASE", "nothing"], "no set of things to collect named 'nothing'; known: account"),
        (["CASE", "lambda"], "give --function"),
        (["CASE", "eks"], "give --cluster"),
        (["CASE", "account", "--from", "yesterday"], "--from 'yesterday' is no time"),
        (["CASE", "account", "--from", "2026-11-06", "--to", "2026-11-05"], "is not before"),
        (["CASE", "account", "--request-ids", "r-1"], "give --log-groups too"),
        (["CASE", "account", "--regions", "mars"], "'mars' is no Region"),
        (["CASE", "account", "--profile", "nobody"], "no AWS session"),
        (["NOWHERE", "account"], "no case at NOWHERE"),
    ],
)
def test_wrong_usage_is_told(
    closed: str, where: list[str], argv: list[str], said: str, capsys: pytest.CaptureFixture[str]
) -> None:
    given = [closed if word == "CASE" else word for word in argv]
    status, out, err = run(capsys, *given, *where)
    assert (status, out) == (2, "")
    assert said in err and err.count("\n") == 1


def parsed(*argv: str) -> object:
    import argparse

    parser = argparse.ArgumentParser()
    arguments(parser)
    return wanted_of(parser.parse_args(argv))


def test_options_become_what_is_wanted(tmp_path: Path) -> None:
    ids = tmp_path / "ids.txt"
    ids.write_text("r-1\n\n  r-2 \n", "utf-8")
    wanted = parsed(
        *("CASE", "account", "--from", "2026-11-05T10:00+01:00", "--to", "2026-11-06"),
        *("--request-ids", str(ids), "r-3", "--log-groups", "/aws/*", "--resources", "AWS::EC2::Instance/i-1"),
    )
    assert wanted.request_ids == ("r-1", "r-2", "r-3")  # type: ignore[attr-defined]
    assert wanted.start == datetime(2026, 11, 5, 9) and wanted.end == datetime(2026, 11, 6)  # type: ignore[attr-defined]
    assert (wanted.log_groups, wanted.resources) == (("/aws/*",), ("AWS::EC2::Instance/i-1",))  # type: ignore[attr-defined]


def test_a_file_of_ids_that_cannot_be_read_is_told(tmp_path: Path) -> None:
    bad = tmp_path / "ids.bin"
    bad.write_bytes(b"\xff\xfe\x00")
    with pytest.raises(UsageError, match="no ids can be read"):
        parsed("CASE", "account", "--request-ids", str(bad))


# The policy


@pytest.mark.parametrize(
    "argv", [[], ["lambda", "--function", "shop"], ["account"], ["--bucket", "s3://logs"], ["CASE", "eks"]]
)
def test_a_policy_needs_no_case_and_no_credentials(
    argv: list[str], monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    for name in ("AWS_ACCESS_KEY_ID", "AWS_SECRET_ACCESS_KEY"):
        monkeypatch.delenv(name, raising=False)
    status, out, err = run(capsys, "--print-policy", *argv)
    assert (status, err) == (0, "")
    assert json.loads(out)["Version"] == "2012-10-17"


def test_a_policy_is_that_of_what_is_asked(capsys: pytest.CaptureFixture[str]) -> None:
    _, out, _ = run(capsys, "--print-policy", "lambda", "--function", "shop", "--bucket", "s3://logs/x")
    actions = {name for statement in json.loads(out)["Statement"] for name in statement["Action"]}
    assert {"lambda:GetFunction", "s3:GetObject", "sts:GetCallerIdentity"} <= actions
    assert not [name for name in actions if name.startswith(("eks:", "ecs:", "cloudtrail:"))]
    _, out, _ = run(capsys, "--print-policy", "--bucket", "s3://logs/x")
    actions = {name for statement in json.loads(out)["Statement"] for name in statement["Action"]}
    assert {name.partition(":")[0] for name in actions} == {"s3", "sts", "ec2"}


# Killed

KILLED = """
import os, sys
from forensics.acquire import collect as engine
from forensics.acquire.calls import declarations
from forensics.aws import Aws
from forensics.case import Case
engine.OBJECTS = 4
path, endpoint = sys.argv[1:]
seen = []
def progress(done, known):
    seen.append(done)
    if len(seen) > 10:
        os._exit(9)
asked = [item for item in declarations() if item.service == "iam" and (item.for_each or not item.about)]
with Case.open(path, read_only=False) as case:
    engine.collect(case, Aws(region="us-east-1", endpoint=endpoint), asked, progress=progress)
"""


def test_a_killed_run_leaves_what_was_committed_and_a_new_one_asks_again(
    closed: str, where: list[str], between: Meddler
) -> None:
    killed = subprocess.run([sys.executable, "-c", KILLED, closed, between.url], check=False)
    assert killed.returncode == 9
    with Case.open(closed) as case:
        kept = case.sql("SELECT count(*) FROM evidence").rows()[0][0]
        assert case.sql("SELECT outcome FROM acquisition").rows() == [(None,)]
    assert 0 < kept < 11
    assert cli.main(["collect", closed, "account", *where, "--regions", "eu-north-1"]) == 0
    assert cli.main(["verify", closed]) == 0
    with Case.open(closed) as case:
        assert case.sql("SELECT count(*) FROM evidence").rows()[0][0] > kept
