"""S3 as moto serves it: thousands of keys over accounts, Regions and days; a run that is killed; the command line."""

import os
import signal
import subprocess
import sys
import time
from collections.abc import Iterator
from datetime import datetime, timedelta
from pathlib import Path
from typing import Any

import pytest

from forensics.acquire import s3
from forensics.aws import Aws
from forensics.case import Case
from forensics.cli import main
from forensics.errors import AwsError
from tests.faulty_proxy import Fault, faulty
from tests.moto_server import ACCOUNT as CALLER
from tests.moto_server import made, moto_server

BUCKET = "logs.example.com"
ACCOUNTS = ("111122223333", "444455556666", "777788889999")
REGIONS = ("us-east-1", "eu-west-1", "ap-southeast-2", "sa-east-1")
START = datetime(2026, 11, 1)
HOURS = 24 * 7
SAME = "object_id, uri, sha256, size, etag, last_modified, status"


def keys() -> Iterator[tuple[str, bytes]]:
    """2016 of three accounts, four Regions and seven days, one an hour."""
    for account in ACCOUNTS:
        for region in REGIONS:
            for hour in range(HOURS):
                at = START + timedelta(hours=hour)
                name = f"{account}_CloudTrail_{region}_{at:%Y%m%dT%H%MZ}_AbCdEfGhIjKlMnOp.json.gz"
                key = f"AWSLogs/o-exampleorgid/{account}/CloudTrail/{region}/{at:%Y/%m/%d}/{name}"
                yield key, f"{account} {region} {hour}".encode()


@pytest.fixture(scope="module")
def endpoint() -> Iterator[str]:
    """A bucket with a dot in its name, filled behind the server's back: over the wire it would take long."""
    from moto.s3.models import s3_backends

    with moto_server() as found:
        made(found, "s3").create_bucket(Bucket=BUCKET)
        backend = s3_backends[CALLER]["aws"]
        for key, body in keys():
            backend.put_object(BUCKET, key, body)
        yield found
        backend.reset()


@pytest.fixture
def case(tmp_path: Path) -> Iterator[Case]:
    with Case.create(tmp_path / "case") as opened:
        yield opened


def aws(endpoint: str) -> Aws:
    return Aws(endpoint=endpoint, region="us-east-1")


def rows(case: Case, columns: str = SAME) -> list[tuple[Any, ...]]:
    return case.connection.execute(f"SELECT {columns} FROM evidence ORDER BY uri").fetchall()


def command(endpoint: str, case: Path, *more: str) -> list[str]:
    given = ["add", str(case), f"s3://{BUCKET}/AWSLogs/", "--endpoint-url", endpoint, *more]
    return [sys.executable, "-m", "forensics.cli", *given]


def test_a_day_of_an_organisation_s_trail_is_found_among_thousands_of_keys(endpoint: str, case: Case) -> None:
    window = {"start": datetime(2026, 11, 5), "end": datetime(2026, 11, 6)}
    plan = s3.planned(case, aws(endpoint), s3.Asked(BUCKET, **window, regions=frozenset({"us-east-1"})))
    assert {(part.account_id, part.fetched) for part in plan.parts} == {(account, 48) for account in ACCOUNTS}
    assert plan.lists < 40


def test_versions_are_listed_as_s3_tells_them(endpoint: str, case: Case) -> None:
    place = f"AWSLogs/o-exampleorgid/{ACCOUNTS[0]}/CloudTrail/us-east-1/2026/11/05/"
    assert s3.planned(case, aws(endpoint), s3.Asked(BUCKET, place, versions=True)).fetched == 24


def test_pages_are_read_to_the_end(endpoint: str, case: Case) -> None:
    plan = s3.planned(case, aws(endpoint), s3.Asked(BUCKET))
    assert plan.objects == len(list(keys())) == 2016


def test_a_run_that_is_killed_goes_on_where_it_stopped_and_the_evidence_is_the_same(
    endpoint: str, case: Case, tmp_path: Path
) -> None:
    window = ["--accounts", ACCOUNTS[0], "--regions", REGIONS[0], "--jobs", "2"]
    killed = tmp_path / "killed"
    with Case.create(killed):
        pass
    with faulty(endpoint) as (slow, proxy):
        proxy.faults.append(Fault(r"^GET /.*\.json\.gz", seconds=0.02))
        starter = (
            "import sys, forensics.evidence as e; e.BATCH = 20; from forensics.cli import main; main(sys.argv[1:])"
        )
        arguments = command(slow, killed, *window)[3:]
        with subprocess.Popen([sys.executable, "-c", starter, *arguments], stdout=subprocess.DEVNULL) as process:
            while sum(".json.gz" in line for line in proxy.asked) < 60:
                time.sleep(0.02)
            process.send_signal(signal.SIGKILL)
        fetched_before = sum(".json.gz" in line for line in proxy.asked)
    with Case.open(killed, read_only=False) as opened:
        had = len(rows(opened))
        asked = s3.Asked(BUCKET, accounts=frozenset({ACCOUNTS[0]}), regions=frozenset({REGIONS[0]}))
        outcome = s3.acquire(opened, aws(endpoint), asked)
        assert 0 < had <= fetched_before < HOURS
        assert (outcome.plan.here, outcome.added.added) == (had, HOURS - had)
        s3.acquire(case, aws(endpoint), asked)
        assert rows(opened) == rows(case)
        ends = opened.connection.execute("SELECT outcome FROM acquisition ORDER BY started_at").fetchall()
    assert ends == [(None,), ("complete",)]


def test_without_credentials_it_says_so(endpoint: str, case: Case, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.delenv("AWS_ACCESS_KEY_ID")
    with pytest.raises(AwsError, match=r"NoCredentialsError.*check the profile"):
        s3.acquire(case, aws(endpoint), s3.Asked(BUCKET))
    assert rows(case) == []


def test_a_wrong_bucket_is_said(endpoint: str, case: Case) -> None:
    with pytest.raises(AwsError, match=r"s3://no-such-bucket/ cannot be listed: NoSuchBucket.*it is not there"):
        s3.acquire(case, aws(endpoint), s3.Asked("no-such-bucket"))


# The command line


def test_the_command_plans_then_takes_in_then_finds_all_there(
    endpoint: str, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    case = tmp_path / "case"
    with Case.create(case):
        pass
    window = ["--from", "2026-11-05", "--to", "2026-11-05T12:00", "--accounts", f"{ACCOUNTS[0]},{ACCOUNTS[1]}"]
    arguments = command(endpoint, case, *window, "--sources", "cloudtrail")[3:]
    assert main([*arguments, "--plan"]) == 0
    plan = capsys.readouterr().out
    for line in (
        "plan: s3://logs.example.com/AWSLogs/, from 2026-11-05T00:00Z to 2026-11-05T12:00Z; accounts 111122223333, 444455556666",
        "cloudtrail             111122223333 eu-west-1                 36",
        "to fetch   288 objects",
        "assumed    USD per 1,000 requests: LIST 0.005, GET 0.0004",
        "late       listed after the window too: cloudtrail 24 h",
        "note       left out by --accounts: AWSLogs/o-exampleorgid/777788889999/",
    ):
        assert line in plan
    assert main(arguments) == 0
    assert "288 added, 0 duplicate, 0 already in the case, 0 rejected" in capsys.readouterr().out
    assert main(arguments) == 0
    assert "0 added, 0 duplicate, 288 already in the case, 0 rejected" in capsys.readouterr().out


def test_a_window_with_no_objects_is_said_and_is_no_failure(
    endpoint: str, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    with Case.create(tmp_path / "case"):
        pass
    assert main(command(endpoint, tmp_path / "case", "--from", "2020-01-01", "--to", "2020-01-02")[3:]) == 0
    assert "no objects there can hold that window" in capsys.readouterr().out


@pytest.mark.parametrize(
    ("arguments", "said"),
    [
        (["/tmp", "--from", "2026-11-05", "--plan"], "--from, --plan goes with s3://BUCKET/PREFIX"),
        (["/tmp", "--profile", "x"], "--profile goes with s3://"),
        (["s3://logs", "--in-place"], "--in-place goes with what is on this machine"),
        (["s3://logs", "--log-stream", "x"], "stream, account and Region go with --log-group"),
        (["s3://logs", "/tmp"], "give either places in S3 or paths of this machine"),
        (["s3://logs", "--from", "yesterday"], "not a time: 'yesterday'"),
        (["s3://logs", "--sources", "x"], "no source named 'x'"),
        (["s3://logs", "--accounts", "x"], "an account is 12 digits"),
        (["s3://logs", "--jobs", "0"], "--jobs is from 1 to 256"),
        (["s3://", "--plan"], "not a place in S3"),
    ],
)
def test_options_that_make_no_sense_are_refused(
    tmp_path: Path, capsys: pytest.CaptureFixture[str], arguments: list[str], said: str
) -> None:
    assert main(["add", str(tmp_path / "case"), *arguments]) == 2
    assert said in capsys.readouterr().err


def test_an_error_ends_with_one_line_and_status_1(
    endpoint: str, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    with Case.create(tmp_path / "case"):
        pass
    assert main(["add", str(tmp_path / "case"), "s3://no-such-bucket", "--endpoint-url", endpoint]) == 1
    error = capsys.readouterr().err
    assert error.startswith("forensics: s3://no-such-bucket/ cannot be listed: NoSuchBucket") and error.count("\n") == 1
    assert os.environ["AWS_SECRET_ACCESS_KEY"] not in (tmp_path / "case" / "custody.jsonl").read_text("utf-8")
