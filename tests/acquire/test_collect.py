"""Calls and steps are made in each Region, every answer is evidence, and what is refused is noted and goes on."""

import json
import threading
from collections.abc import Iterator

import pytest

from forensics import custody
from forensics.acquire import Found
from forensics.acquire import collect as engine
from forensics.acquire.calls import Call, call, declarations
from forensics.acquire.collect import Asking, Place, Wanted, chosen_regions, collect
from forensics.acquire.page import Asked
from forensics.aws import Aws, Trouble
from forensics.case import Case
from forensics.errors import AwsError, UsageError
from forensics.load import load
from tests.acquire.aws_worlds import SECRET, World
from tests.meddling import Answer, Meddler, Request, refused, refused_xml
from tests.moto_server import ACCOUNT, made


def declared(*keys: str) -> list[Call]:
    found = [call(*key.split(":")) for key in keys]
    assert None not in found
    return [item for item in found if item]


def of_service(service: str) -> list[Call]:
    return [item for item in declarations() if item.service == service and (item.for_each or not item.about)]


def rule(name: str, answer: Answer, *, times: int = 1_000_000) -> object:
    left = [times]

    def found(request: Request) -> Answer | None:
        if name not in request.name or left[0] <= 0:
            return None
        left[0] -= 1
        return answer

    return found


def test_what_is_described_is_loaded_as_inventory(case: Case, aws: Aws, world: World) -> None:
    made(world.endpoint, "ec2", "eu-west-2").run_instances(ImageId="ami-12345678", MinCount=2, MaxCount=2)
    asked = declared("ec2:DescribeInstances", "ec2:DescribeAddresses")
    found = collect(case, aws, asked, regions=["eu-west-2", "eu-west-1"])
    assert (found.outcome, found.stopped, found.added.added) == ("complete", None, 4)
    assert found.tallies["ec2", "DescribeInstances"].items == 2
    load(case, workers=1)
    rows = case.sql(
        "SELECT region, operation, count(resource_id), sum(described) FROM inventory GROUP BY 1, 2 ORDER BY 1, 2"
    ).rows()
    assert rows == [
        ("eu-west-1", "DescribeAddresses", 0, 0),
        ("eu-west-1", "DescribeInstances", 0, 0),
        ("eu-west-2", "DescribeAddresses", 0, 0),
        ("eu-west-2", "DescribeInstances", 2, None),
    ]


def test_names_that_are_attacks_are_kept_as_they_are(case: Case, aws: Aws, world: World) -> None:
    attack = '=HYPERLINK("x")<script>alert(1)</script>\'; DROP TABLE inventory; -- \u202e'
    ec2 = made(world.endpoint, "ec2", "eu-west-3")
    vpc = ec2.create_vpc(CidrBlock="10.9.0.0/16")["Vpc"]["VpcId"]
    ec2.create_tags(Resources=[vpc], Tags=[{"Key": "Name", "Value": attack}])
    collect(case, aws, declared("ec2:DescribeVpcs"), regions=["eu-west-3"])
    load(case, workers=1)
    assert case.sql("SELECT name FROM inventory WHERE resource_id = ?", [vpc]).rows() == [(attack,)]


def test_calls_are_made_for_each_item_and_many_at_once(case: Case, aws: Aws, between: Meddler) -> None:
    found = collect(case, aws, of_service("ecs"))
    tallies = {operation: (tally.pages, tally.items) for (_, operation), tally in found.tallies.items()}
    assert (tallies["ListTasks"], tallies["DescribeTasks"], tallies["DescribeTaskDefinition"]) == (
        (2, 2),
        (2, 2),
        (1, 1),
    )
    asked = [name for name in between.seen if name.startswith(("List", "Describe"))]
    assert asked.index("DescribeTasks") < asked.index("DescribeTaskDefinition")


def test_what_vanishes_soon_is_asked_first(
    case: Case, aws: Aws, between: Meddler, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(engine, "THREADS", 1)
    collect(case, aws, [*of_service("iam"), *of_service("ecs")])
    first = [name for name in between.seen if name != "GetCallerIdentity"]
    assert max(map(first.index, ("ListClusters", "ListTasks", "DescribeTasks"))) < first.index("ListUsers")


def test_records_are_asked_for_when_all_that_exists_was(
    case: Case, aws: Aws, between: Meddler, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(engine, "THREADS", 1)
    before: list[int] = []

    def found(place: Place) -> Iterator[Found]:
        before.append(between.seen.count("GetAccessKeyLastUsed"))
        yield from ()

    collect(case, aws, [Asking("s", found), *of_service("iam")])
    assert before == [1]


def test_values_of_environment_variables_do_not_come_into_the_case(case: Case, aws: Aws) -> None:
    collect(case, aws, [*of_service("lambda"), *of_service("ecs")])
    stored = [path.read_bytes() for path in (case.path / "evidence").rglob("*") if path.is_file()]
    assert any(b"DB_PASSWORD" in text for text in stored) and any(b"TOKEN" in text for text in stored)
    assert not [text for text in stored if SECRET.encode() in text or b"amazonaws.com/awslambda" in text]


def test_a_denied_call_is_evidence_and_noted_and_the_rest_goes_on(case: Case, aws: Aws, between: Meddler) -> None:
    between.rules.append(rule("DescribeAddresses", refused_xml(403, "UnauthorizedOperation", "You may not")))
    found = collect(case, aws, declared("ec2:DescribeAddresses", "ec2:DescribeVpcs"))
    assert found.outcome == "partial"
    assert [(item["code"], item["kind"]) for item in found.problems] == [("UnauthorizedOperation", "denied")]
    load(case, workers=1)
    rows = case.sql("SELECT operation, error_code FROM inventory WHERE error_code IS NOT NULL").rows()
    assert rows == [("DescribeAddresses", "UnauthorizedOperation")]
    assert case.sql("SELECT count(*) FROM inventory WHERE operation = 'DescribeVpcs'").rows()[0][0] > 0


def test_a_throttled_call_is_made_again(case: Case, aws: Aws, between: Meddler) -> None:
    between.rules.append(rule("DescribeTrails", refused(400, "ThrottlingException", "Rate exceeded"), times=1))
    found = collect(case, aws, declared("cloudtrail:DescribeTrails"))
    assert found.outcome == "complete"
    assert between.seen.count("DescribeTrails") == 2


def test_what_is_throttled_for_good_is_noted(case: Case, aws: Aws, between: Meddler) -> None:
    between.rules.append(rule("DescribeTrails", refused(400, "ThrottlingException", "Rate exceeded")))
    found = collect(case, aws, declared("cloudtrail:DescribeTrails"))
    assert (found.outcome, found.problems[0]["kind"]) == ("failed", "throttled")
    with pytest.raises(AwsError, match="not one call was answered"):
        found.check()


def test_that_there_is_none_is_an_answer(case: Case, aws: Aws) -> None:
    found = collect(case, aws, [*declared("iam:ListUsers"), *declared("iam:GetLoginProfile")])
    assert found.outcome == "complete"
    load(case, workers=1)
    rows = case.sql("SELECT described, error_code FROM inventory WHERE operation = 'GetLoginProfile'").rows()
    assert rows == [(0, None)]


def test_credentials_that_expire_end_it_and_what_was_had_is_kept(case: Case, aws: Aws, between: Meddler) -> None:
    expired = refused_xml(400, "ExpiredToken", "The security token included in the request is expired")
    between.rules.append(rule("GetAccessKeyLastUsed", expired))
    found = collect(case, aws, of_service("iam"))
    assert found.stopped
    assert case.sql("SELECT count(*) FROM evidence WHERE uri LIKE '%/ListUsers/%'").rows() == [(1,)]
    outcome = case.sql("SELECT outcome, ended_at IS NOT NULL FROM acquisition").rows()
    assert outcome == [("partial", True)]
    with pytest.raises(AwsError, match=r"ExpiredToken.*get new ones and run it again.*what came before is in the case"):
        found.check()


def test_a_region_that_does_not_know_the_caller_is_noted_and_others_go_on(
    case: Case, aws: Aws, between: Meddler
) -> None:
    unknown = refused_xml(401, "AuthFailure", "AWS was not able to validate the provided access credentials")
    between.rules.append(lambda request: unknown if request.region == "ap-east-1" else None)
    found = collect(case, aws, declared("ec2:DescribeVpcs"), regions=["ap-east-1", "us-east-1"])
    assert (found.outcome, found.stopped) == ("partial", None)
    assert found.tallies["ec2", "DescribeVpcs"].pages == 1


def test_a_service_that_does_not_answer_in_a_region_is_not_asked_on_and_on(
    case: Case, between: Meddler, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("AWS_ENDPOINT_URL", between.url)
    monkeypatch.setenv("AWS_ENDPOINT_URL_EC2", "http://127.0.0.1:1")
    monkeypatch.setattr(engine, "THREADS", 1)
    found = collect(case, Aws(region="us-east-1", attempts=1), [*of_service("ec2"), *declared("ecs:ListClusters")])
    assert found.outcome == "partial"
    assert found.tallies["ecs", "ListClusters"].pages == 1
    messages = [problem["message"] for problem in found.problems if problem["code"] == engine.UNREACHED]
    assert [said.startswith("not asked: ec2 gave no answer in us-east-1") for said in messages].count(False) == 1


def test_an_answer_that_is_none_is_noted(case: Case, aws: Aws, between: Meddler) -> None:
    between.rules.append(rule("DescribeVpcs", (200, "text/xml", b"<html><script>alert(1)</script>")))
    found = collect(case, aws, declared("ec2:DescribeVpcs", "ec2:DescribeSubnets"))
    assert found.outcome == "partial"
    assert found.problems[0]["code"] == "ResponseParserError"


def test_without_credentials_nothing_is_begun(case: Case, world: World, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.delenv("AWS_ACCESS_KEY_ID", raising=False)
    monkeypatch.delenv("AWS_SECRET_ACCESS_KEY", raising=False)
    monkeypatch.setenv("AWS_EC2_METADATA_DISABLED", "true")
    monkeypatch.setenv("HOME", str(case.path))
    with pytest.raises(AwsError, match="NoCredentialsError"):
        collect(case, Aws(region="us-east-1", endpoint=world.endpoint), declared("ec2:DescribeVpcs"))
    assert case.sql("SELECT count(*) FROM acquisition").rows() == [(0,)]


def test_a_second_run_adds_the_state_of_its_moment(case: Case, aws: Aws) -> None:
    for _ in range(2):
        collect(case, aws, declared("ec2:DescribeVpcs"))
    assert case.sql("SELECT count(*), count(DISTINCT uri) FROM evidence").rows() == [(2, 2)]


def test_custody_says_who_asked_what_and_how_it_ended(case: Case, aws: Aws) -> None:
    collect(case, aws, declared("ec2:DescribeVpcs"), wanted=Wanted(functions=("shop",)), command="collect lambda")
    entries = [json.loads(line) for line in (case.path / custody.FILE).read_text("utf-8").splitlines()]
    begun, ended = (next(item for item in entries if item["command"].startswith(word)) for word in ("begin", "end"))
    assert begun["detail"]["caller"]["account_id"] == ACCOUNT
    assert begun["detail"]["parameters"] == {
        "asked": ["ec2:DescribeVpcs"],
        "functions": ["shop"],
        "regions": ["us-east-1"],
    }
    assert (ended["detail"]["outcome"], ended["detail"]["objects"]) == ("complete", 1)


def pages(count: int, *, records: bool = True) -> object:
    def found(place: Place) -> Iterator[Found]:
        for number in range(count):
            asked = Asked("cloudtrail", "LookupEvents", {"n": number}, place.account_id, place.region)
            yield asked.answered(number, {"Events": [{"EventId": str(number)}]})

    return found


def test_a_step_gives_records_that_are_the_same_bytes_again(case: Case, aws: Aws) -> None:
    step = Asking("lookup-events", pages(100))
    first, again = (collect(case, aws, [step]) for _ in range(2))
    assert (first.added.added, again.added.added, again.added.known) == (100, 0, 100)
    assert first.tallies["", "lookup-events"].pages == 100


def test_a_step_is_told_what_is_wanted_and_its_troubles_are_noted(case: Case, aws: Aws) -> None:
    told: list[object] = []

    def found(place: Place) -> Iterator[Found]:
        told.append((place.account_id, place.region, place.partition, place.wanted.request_ids, place.stopped()))
        place.trouble("a page", Trouble("denied", "AccessDenied", "no"))
        yield from ()

    wanted = Wanted(request_ids=("r-1",))
    collected = collect(case, aws, [Asking("s", found)], regions=["eu-west-1"], wanted=wanted)
    assert told == [(ACCOUNT, "eu-west-1", "aws", ("r-1",), False)]
    assert (collected.outcome, collected.problems[0]["what"]) == ("failed", "a page")


def test_a_step_of_one_place_is_run_once(case: Case, aws: Aws) -> None:
    places: list[str] = []

    def found(place: Place) -> Iterator[Found]:
        places.append(place.region)
        yield from ()

    collect(case, aws, [Asking("s", found, everywhere=False)], regions=["eu-west-1", "eu-west-2"])
    assert places == ["us-east-1"]


def test_a_step_ends_where_no_further_call_can_succeed(case: Case, aws: Aws) -> None:
    after: list[str] = []

    def found(place: Place) -> Iterator[Found]:
        yield from pages(1)(place)  # type: ignore[operator]
        place.trouble("the next", Trouble("expired", "ExpiredToken", "x"))
        after.append("went on")

    collected = collect(case, aws, [Asking("s", found)])
    assert (after, collected.added.added, str(collected.stopped)[:12]) == ([], 1, "ExpiredToken")


def test_a_mistake_in_a_step_is_not_hidden(case: Case, aws: Aws) -> None:
    def found(place: Place) -> Iterator[Found]:
        yield from pages(3)(place)  # type: ignore[operator]
        raise ZeroDivisionError

    with pytest.raises(ZeroDivisionError):
        collect(case, aws, [Asking("s", found)])
    assert not [thread for thread in threading.enumerate() if thread.name.startswith("collect")]


def test_more_objects_than_wait_at_once_all_come(case: Case, aws: Aws, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(engine, "OBJECTS", 50)
    found = collect(
        case, aws, [Asking(f"s{number}", pages(60)) for number in range(3)], regions=["us-east-1", "eu-west-1"]
    )
    assert found.added.seen == 360
    assert found.added.added == 120


def test_after_an_interrupt_what_came_before_is_in_the_case(case: Case, aws: Aws) -> None:
    calls: list[int] = []

    def interrupt(done: int, known: int) -> None:
        calls.append(done)
        if len(calls) == 5:
            raise KeyboardInterrupt

    with pytest.raises(KeyboardInterrupt):
        collect(case, aws, [Asking("s", pages(400))], progress=interrupt)
    kept = case.sql("SELECT count(*) FROM evidence").rows()[0][0]
    assert 0 < kept < 400
    assert case.sql("SELECT ended_at FROM acquisition").rows() == [(None,)]


def test_regions_are_those_named_or_all_or_the_profiles(aws: Aws) -> None:
    assert chosen_regions(aws) == ["us-east-1"]
    assert chosen_regions(aws, ["eu-west-1", "us-east-1", "eu-west-1"]) == ["eu-west-1", "us-east-1"]
    assert "us-east-1" in chosen_regions(aws, ["all"]) and len(chosen_regions(aws, ["all"])) > 10
    for bad in ("everywhere", "us-east-1'; DROP TABLE evidence", "\x1b[31m"):
        with pytest.raises(UsageError, match="is no Region"):
            chosen_regions(aws, [bad])


def test_a_case_that_is_open_read_only_takes_nothing(case: Case, aws: Aws) -> None:
    case.close()
    with Case.open(case.path) as again, pytest.raises(UsageError, match="read-only"):
        collect(again, aws, declared("ec2:DescribeVpcs"))
