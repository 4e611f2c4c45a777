"""Log groups are found by pattern, read in slices, or asked for request ids; what cannot be read is said."""

from collections.abc import Iterator
from datetime import UTC, datetime, timedelta
from functools import partial
from pathlib import Path
from typing import Any

import pytest

from forensics.acquire import api_log_groups
from forensics.acquire.api_log_insights import ROWS
from forensics.acquire.collect import Asking, collect
from forensics.acquire.slices import milliseconds
from forensics.acquire.step import Wanted, now
from forensics.aws import Aws
from forensics.case import Case
from forensics.load import load
from tests.acquire.asked import END, START, Noted, at, pages, read, unlimited
from tests.api_server import Api, Fault, api_server
from tests.moto_server import ACCOUNT, made, moto_server

events = partial(api_log_groups.found, limiter=unlimited)
GROUP = "/aws/lambda/orders-fn"
STREAM = "2026/11/05/[$LATEST]0123456789abcdef0123456789abcdef"
REQUEST = "8c1f2d3e-1111-2222-3333-444455556666"
OTHER = "8c1f2d3e-1111-2222-3333-444455557777"


@pytest.fixture(scope="module")
def aws() -> Iterator[str]:
    """moto with three groups; two hold a request's lines of two hours ago."""
    with moto_server() as endpoint:
        logs = made(endpoint, "logs")
        when = milliseconds(now() - timedelta(hours=2))
        for name in (GROUP, "/aws/lambda/other", "/ecs/shop"):
            logs.create_log_group(logGroupName=name)
            logs.create_log_stream(logGroupName=name, logStreamName=STREAM)
            lines = [f"START RequestId: {REQUEST} Version: $LATEST\n", f"START RequestId: {OTHER} Version: $LATEST\n"]
            told = [{"timestamp": when + place, "message": line} for place, line in enumerate(lines)]
            logs.put_log_events(logGroupName=name, logStreamName=STREAM, logEvents=told)
        yield endpoint


@pytest.fixture
def api() -> Iterator[Api]:
    with api_server() as found:
        found.handlers["DescribeLogGroups"] = groups({"logGroupName": GROUP})
        found.handlers["FilterLogEvents"] = lambda _: {"events": []}
        yield found


def groups(*listed: dict[str, Any]) -> Any:
    def answer(request: dict[str, Any]) -> dict[str, Any]:
        first = int(request.get("nextToken", 0))
        fitting = [group for group in listed if group["logGroupName"].startswith(request.get("logGroupNamePrefix", ""))]
        more = {"nextToken": str(first + 1)} if first + 1 < len(fitting) else {}
        return {"logGroups": fitting[first : first + 1], **more}

    return answer


def asked(noted: Noted) -> list[tuple[str, bytes]]:
    return [item for item in read(events(noted.place)) if "/DescribeLogGroups/" not in item[0]]


def recent(endpoint: str, **wanted: Any) -> Noted:
    return at(endpoint, **{"log_groups": (GROUP,), "start": now() - timedelta(hours=6), "end": None} | wanted)


def test_events_are_loaded_with_their_group_account_and_region(aws: str, tmp_path: Path) -> None:
    with Case.create(tmp_path / "case") as case:
        caller = Aws(region="us-east-1", endpoint=aws)
        wanted = Wanted(now() - timedelta(hours=6), log_groups=("/aws/lambda/*",))
        found = collect(case, caller, [Asking("log-groups", events)], wanted=wanted)
        assert found.outcome == "complete"
        load(case, workers=1)
        rows = case.sql(
            "SELECT DISTINCT s.log_group, s.owner, e.region FROM lambda_log AS s JOIN event AS e"
            " ON e.object_id = s.object_id AND e.record = s.record ORDER BY 1"
        ).rows()
        assert rows == [("/aws/lambda/orders-fn", ACCOUNT, "us-east-1"), ("/aws/lambda/other", ACCOUNT, "us-east-1")]


@pytest.mark.parametrize(
    ("pattern", "names"),
    [
        (GROUP, {GROUP}),
        ("/aws/lambda/o*", {GROUP, "/aws/lambda/other"}),
        ("*shop", {"/ecs/shop"}),
        ("*", {GROUP, "/aws/lambda/other", "/ecs/shop"}),
    ],
)
def test_groups_are_named_or_fit_a_pattern(aws: str, pattern: str, names: set[str]) -> None:
    found = pages(asked(recent(aws, log_groups=(pattern,))))
    assert {page["call"]["parameters"]["logGroupName"] for page in found} == names


def test_a_pattern_that_no_group_fits_is_said(aws: str) -> None:
    noted = recent(aws, log_groups=("/aws/lambda/gone'; --",))
    assert asked(noted) == []
    assert 'no further log group fits "/aws/lambda/gone\'; --" in us-east-1' in str(noted.troubles[0][1])


def test_two_runs_give_the_same_pages(aws: str) -> None:
    end = now()
    first, second = (asked(recent(aws, start=end - timedelta(hours=6), end=end)) for _ in range(2))
    assert first == second and b"START RequestId" in b"".join(text for _, text in first)


def test_request_ids_are_asked_of_all_groups_at_once(aws: str, tmp_path: Path) -> None:
    with Case.create(tmp_path / "case") as case:
        caller = Aws(region="us-east-1", endpoint=aws)
        wanted = Wanted(now() - timedelta(hours=6), log_groups=("*",), request_ids=(REQUEST,))
        found = collect(case, caller, [Asking("log-groups", events)], wanted=wanted)
        assert found.outcome == "complete"
        (text,) = case.sql("SELECT uri FROM evidence WHERE uri LIKE '%StartQuery%'").rows()
        assert text[0].endswith("/last.json")


def test_a_row_of_several_groups_names_its_own(api: Api, tmp_path: Path) -> None:
    api.handlers["StartQuery"] = lambda _: {"queryId": "q"}
    running = iter([{"results": [], "status": "Scheduled"}, {"results": [], "status": "Running"}])
    api.handlers["GetQueryResults"] = lambda _: next(running, {"results": [row(REQUEST)], "status": "Complete"})
    with Case.create(tmp_path / "case") as case:
        wanted = Wanted(START, END, log_groups=(GROUP,), request_ids=(REQUEST,))
        collect(case, Aws(region="us-east-1", endpoint=api.endpoint), [Asking("log-groups", events)], wanted=wanted)
        load(case, workers=1)
        assert case.sql("SELECT log_group, owner, request_id FROM lambda_log").rows() == [
            (GROUP, "111122223333", REQUEST)
        ]
        assert case.sql("SELECT region FROM event WHERE source = 'lambda_log'").rows() == [("us-east-1",)]


def row(request: str) -> list[dict[str, str]]:
    told = {
        "@timestamp": "2026-11-05 10:00:00.000",
        "@log": f"111122223333:{GROUP}",
        "@logStream": STREAM,
        "@message": f"START RequestId: {request} Version: $LATEST\n",
        "@ptr": "CmEKJgoi",
    }
    return [{"field": name, "value": value} for name, value in told.items()]


def test_a_query_that_gives_as_many_rows_as_it_can_is_asked_again_by_halves(api: Api) -> None:
    spans: list[int] = []

    def started(request: dict[str, Any]) -> dict[str, Any]:
        spans.append(request["endTime"] - request["startTime"] + 1)
        return {"queryId": str(spans[-1])}

    api.handlers["StartQuery"] = started
    api.handlers["GetQueryResults"] = lambda request: {
        "results": [row(REQUEST)] * (ROWS if int(request["queryId"]) > 30_000 else 3),
        "status": "Complete",
    }
    noted = at(api.endpoint, log_groups=(GROUP,), request_ids=(REQUEST,))
    found = asked(noted)
    assert spans == [86400, 43200, 21600, 21600, 43200, 21600, 21600]
    assert [len(page["response"]["results"]) for page in pages(found)] == [3, 3, 3, 3]
    spans.clear()
    assert asked(at(api.endpoint, held=[uri for uri, _ in found[:2]], log_groups=(GROUP,), request_ids=(REQUEST,)))
    assert spans == [86400, 43200, 21600, 21600]


def test_ids_go_in_batches_that_fit_and_what_is_no_id_is_said(api: Api) -> None:
    api.handlers["StartQuery"] = lambda _: {"queryId": "q"}
    api.handlers["GetQueryResults"] = lambda _: {"results": [], "status": "Complete"}
    ids = tuple(f"{number:08x}-1111-2222-3333-444455556666" for number in range(400))
    noted = at(api.endpoint, log_groups=(GROUP,), request_ids=(*ids, "x/ | limit 1", ids[0]))
    assert len(asked(noted)) == 2
    assert all(len(request["queryString"]) < 10_000 for request in api.requests("StartQuery"))
    assert sum(request["queryString"].count("-2222-") for request in api.requests("StartQuery")) == 400
    assert "'x/ | limit 1' is no request id" in str(noted.troubles[0][1])


def test_a_query_that_fails_is_noted(api: Api) -> None:
    api.handlers["StartQuery"] = lambda _: {"queryId": "q"}
    api.handlers["GetQueryResults"] = lambda _: {"results": [], "status": "Failed"}
    noted = at(api.endpoint, log_groups=(GROUP,), request_ids=(REQUEST,))
    assert asked(noted) == []
    assert "the query ended as Failed" in str(noted.troubles[0][1])


def test_classes_that_cannot_be_read_are_said(api: Api) -> None:
    api.handlers["DescribeLogGroups"] = groups(
        {"logGroupName": "a", "logGroupClass": "INFREQUENT_ACCESS"},
        {"logGroupName": "b", "logGroupClass": "DELIVERY"},
        {"logGroupName": "c", "logGroupClass": "STANDARD"},
    )
    noted = at(api.endpoint, log_groups=("*",))
    assert {page["call"]["parameters"]["logGroupName"] for page in pages(asked(noted))} == {"c"}
    assert [str(why).split(":")[1].strip() for _, why in noted.troubles] == ["a", "b"]
    assert "ask by request ids" in str(noted.troubles[0][1])


def test_one_group_of_ten_that_is_refused_leaves_the_others(api: Api) -> None:
    api.handlers["DescribeLogGroups"] = groups(*({"logGroupName": f"g{number}"} for number in range(10)))
    told = {"events": [{"timestamp": 1793869801123, "message": "m", "logStreamName": "s", "eventId": "1"}]}
    api.handlers["FilterLogEvents"] = lambda request: (
        Fault("AccessDeniedException") if request["logGroupName"] == "g4" else told
    )
    noted = at(api.endpoint, log_groups=("g*",))
    names = {page["call"]["parameters"]["logGroupName"] for page in pages(asked(noted))}
    assert names == {f"g{number}" for number in range(10) if number != 4}
    assert noted.kinds == ["denied"] and "logGroupName=g4" in noted.troubles[0][0]


def test_pages_without_events_are_passed_over_but_for_the_last(api: Api) -> None:
    told = {"events": [{"timestamp": 1793869801123, "message": "m", "logStreamName": "s", "eventId": "1"}]}
    api.handlers["FilterLogEvents"] = lambda request: {
        None: {"events": [], "nextToken": "1"},
        "1": told | {"nextToken": "2"},
        "2": {"events": [], "nextToken": "3"},
        "3": {"events": []},
    }[request.get("nextToken")]
    found = asked(at(api.endpoint, log_groups=(GROUP,)))
    assert [uri.rpartition("/")[2] for uri, _ in found] == ["00000.json", "last.json"]


def test_slices_do_not_overlap(api: Api) -> None:
    asked(at(api.endpoint, log_groups=(GROUP,), start=START - timedelta(days=1)))
    times = [(request["startTime"], request["endTime"]) for request in api.requests("FilterLogEvents")]
    day = 86_400_000
    first = int(datetime(2026, 11, 4, tzinfo=UTC).timestamp() * 1000)
    assert times == [(first, first + day - 1), (first + day, first + 2 * day - 1)]
