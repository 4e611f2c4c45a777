"""CloudTrail's event history is had slice by slice, at its rate; what is refused is said, and nothing is asked twice."""

import json
import time
from collections.abc import Iterator
from datetime import UTC, datetime, timedelta
from functools import partial
from pathlib import Path
from typing import Any

import pytest

from forensics.acquire import api_lookup_events
from forensics.acquire.collect import Asking, collect
from forensics.acquire.step import Stopped, Wanted, now
from forensics.aws import Aws
from forensics.case import Case
from forensics.load import load
from tests.acquire.asked import END, START, Noted, at, pages, read, unlimited
from tests.api_server import ACCOUNT, Api, Fault, api_server

looked_up = partial(api_lookup_events.found, limiter=unlimited)
STEP = Asking("lookup-events", looked_up)


@pytest.fixture
def api() -> Iterator[Api]:
    with api_server() as found:
        found.handlers["LookupEvents"] = history(events(5))
        yield found


def event(number: int) -> dict[str, Any]:
    """One as LookupEvents gives it: its time in seconds, the event as text."""
    when = START + timedelta(minutes=number)
    inner = {"eventVersion": "1.11", "eventID": f"event-{number:04}", "eventTime": f"{when.isoformat()}Z"}
    inner |= {"eventSource": "s3.amazonaws.com", "eventName": "ListBuckets", "awsRegion": "us-east-1"}
    inner |= {"recipientAccountId": ACCOUNT, "userIdentity": {"type": "AWSService", "invokedBy": "x.amazonaws.com"}}
    seconds = when.replace(tzinfo=UTC).timestamp()
    return {"EventId": f"event-{number:04}", "EventTime": seconds, "CloudTrailEvent": json.dumps(inner)}


def events(count: int) -> list[dict[str, Any]]:
    return [event(number) for number in range(count)]


def history(held: list[dict[str, Any]], size: int = 2) -> Any:
    """What AWS answers of these: newest first, in pages; none of Insights."""

    def answer(request: dict[str, Any]) -> dict[str, Any]:
        if "EventCategory" in request:
            return {"Events": []}
        inside = [item for item in held if request["StartTime"] <= item["EventTime"] <= request["EndTime"]]
        inside.sort(key=lambda item: -item["EventTime"])
        first = int(request.get("NextToken", 0))
        more = {"NextToken": str(first + size)} if first + size < len(inside) else {}
        return {"Events": inside[first : first + size], **more}

    return answer


def asked(noted: Noted) -> list[tuple[str, bytes]]:
    return read(looked_up(noted.place))


def test_pages_of_the_window_are_loaded_as_events(api: Api, tmp_path: Path) -> None:
    with Case.create(tmp_path / "case") as case:
        found = collect(case, Aws(region="us-east-1", endpoint=api.endpoint), [STEP], wanted=Wanted(START, END))
        assert (found.outcome, found.added.added) == ("complete", 4)
        load(case, workers=1)
        rows = case.sql("SELECT event_id, recipient_account_id FROM cloudtrail ORDER BY event_id").rows()
        assert rows == [(f"event-{number:04}", ACCOUNT) for number in range(5)]
        assert case.sql("SELECT count(*) FROM rejected_record").rows() == [(0,)]
        told = case.sql("SELECT DISTINCT source, status, account_id, region FROM evidence ORDER BY 1").rows()
        place = ("loaded", ACCOUNT, "us-east-1")
        assert told == [("cloudtrail", *place), ("cloudtrail_insight", *place)]


def test_two_runs_give_the_same_pages_and_say_what_was_asked(api: Api) -> None:
    first, second = asked(at(api.endpoint)), asked(at(api.endpoint))
    assert first == second
    call = pages(first)[0]["call"]
    given = {"StartTime": "2026-11-05T00:00:00Z", "EndTime": "2026-11-06T00:00:00Z"}
    assert call == {
        "service": "cloudtrail",
        "operation": "LookupEvents",
        "parameters": given,
        "account_id": ACCOUNT,
        "region": "us-east-1",
    }
    uris = [uri for uri, _ in first]
    place = f"aws://{ACCOUNT}/us-east-1/cloudtrail/LookupEvents/EndTime=2026-11-06T00:00:00Z,"
    assert uris[0] == f"{place}StartTime=2026-11-05T00:00:00Z/00000.json"
    assert [uri.rpartition("/")[2] for uri in uris] == ["00000.json", "00001.json", "last.json", "last.json"]


def test_a_busy_day_is_asked_by_the_hour_and_nothing_is_lost(api: Api) -> None:
    api.handlers["LookupEvents"] = history(events(200))
    found = pages(asked(at(api.endpoint)))
    ids = {item["EventId"] for page in found for item in page["response"]["Events"]}
    assert ids == {f"event-{number:04}" for number in range(200)}
    assert {page["call"]["parameters"]["EndTime"] for page in found} >= {
        f"2026-11-05T0{hour}:00:00Z" for hour in (1, 2, 3)
    }


def test_a_slice_whose_last_page_is_in_the_case_is_not_asked_again(api: Api) -> None:
    api.handlers["LookupEvents"] = history(events(200))
    done = asked(at(api.endpoint))
    api.asked.clear()
    assert asked(at(api.endpoint, held=[uri for uri, _ in done])) == []
    assert api.asked == []


def test_a_run_that_was_cut_off_goes_on_at_the_slice_it_was_in(api: Api) -> None:
    api.handlers["LookupEvents"] = history(events(200))
    done = asked(at(api.endpoint))
    kept, api.asked[:] = done[:40], []
    rest = asked(at(api.endpoint, held=[uri for uri, _ in kept]))
    assert {*kept, *rest} == set(done)
    times = [request["StartTime"] for request in api.requests("LookupEvents") if "EventCategory" not in request]
    assert min(times) > START.replace(tzinfo=UTC).timestamp()


def test_what_may_not_have_arrived_yet_is_asked_again(api: Api) -> None:
    end = now().replace(microsecond=0)
    window = {"start": end - timedelta(hours=5), "end": end}
    done = [uri for uri, _ in asked(at(api.endpoint, **window))]
    again = [uri for uri, _ in asked(at(api.endpoint, held=done, **window))]
    assert again and set(again) < set(done)


def test_ninety_days_are_kept_and_a_window_that_reaches_further_back_says_so(api: Api) -> None:
    noted = at(api.endpoint, start=datetime(2020, 1, 1), end=datetime(2020, 1, 2))
    assert asked(noted) == []
    ((what, why),) = noted.troubles
    assert what == f"aws://{ACCOUNT}/us-east-1/cloudtrail/LookupEvents"
    assert "CloudTrail keeps 90 days: nothing from 2020-01-01T00:00:00Z to 2020-01-02T00:00:00Z" in str(why)
    whole = at(api.endpoint, start=None, end=None)
    asked(whole)
    assert whole.troubles == []
    assert (
        now()
        - datetime.fromtimestamp(min(r["StartTime"] for r in api.requests("LookupEvents")), UTC).replace(tzinfo=None)
    ).days == 89


def test_events_are_looked_up_by_an_attribute(api: Api) -> None:
    noted = at(api.endpoint, lookup=("AccessKeyId=AKIAIOSFODNN7EXAMPLE", "Colour=red'; DROP TABLE"))
    assert asked(noted)
    (one,) = {json.dumps(request["LookupAttributes"]) for request in api.requests("LookupEvents")}
    assert json.loads(one) == [{"AttributeKey": "AccessKeyId", "AttributeValue": "AKIAIOSFODNN7EXAMPLE"}]
    assert "NAME of AccessKeyId, EventId" in str(noted.troubles[0][1])


def test_a_refusal_is_noted_once_with_all_that_was_not_asked(api: Api) -> None:
    api.handlers["LookupEvents"] = lambda _: Fault("AccessDeniedException", message="not authorized")
    noted = at(api.endpoint, start=START - timedelta(days=30))
    assert asked(noted) == []
    assert noted.kinds == ["denied", "denied"]
    assert "StartTime=2026-10-06T00:00:00Z" in noted.troubles[0][0] and "EndTime=2026-11-06" in noted.troubles[0][0]


def test_throttling_is_waited_out(api: Api) -> None:
    answers = iter([Fault("ThrottlingException", message="Rate exceeded")] * 3)
    plain = history(events(5))
    api.handlers["LookupEvents"] = lambda request: next(answers, None) or plain(request)
    noted = at(api.endpoint)
    assert len(asked(noted)) == 4
    assert noted.troubles == []


def test_what_is_throttled_for_ever_is_given_up(api: Api) -> None:
    api.handlers["LookupEvents"] = lambda _: Fault("ThrottlingException")
    noted = at(api.endpoint)
    assert asked(noted) == []
    assert set(noted.kinds) == {"throttled"}


@pytest.mark.parametrize("fault", [Fault(cut=True), Fault("InternalFailure", 500), Fault("Odd", 404)])
def test_one_bad_slice_does_not_stop_the_others(api: Api, fault: Fault) -> None:
    plain = history(events(5))
    bad = datetime(2026, 10, 20, tzinfo=UTC).timestamp()
    api.handlers["LookupEvents"] = lambda request: fault if request["StartTime"] < bad else plain(request)
    noted = at(api.endpoint, start=datetime(2026, 10, 17))
    assert len(asked(noted)) == 6
    assert len(noted.troubles) == 2


def test_an_answer_without_its_events_is_damaged_and_not_empty(api: Api) -> None:
    api.handlers["LookupEvents"] = lambda _: {}
    noted = at(api.endpoint)
    assert asked(noted) == []
    assert "an answer of LookupEvents without Events" in str(noted.troubles[0][1])


def test_a_slow_answer_is_waited_for(api: Api) -> None:
    plain = history(events(1))

    def slow(request: dict[str, Any]) -> dict[str, Any]:
        time.sleep(0.2)
        return plain(request)

    api.handlers["LookupEvents"] = slow
    assert len(asked(at(api.endpoint))) == 2


def test_tokens_that_go_in_circles_end(api: Api) -> None:
    api.handlers["LookupEvents"] = lambda _: {"Events": [event(1)], "NextToken": "again"}
    noted = at(api.endpoint)
    asked(noted)
    assert "go in circles" in str(noted.troubles[0][1])


def test_expired_credentials_stop_it_and_keep_what_was_had(api: Api) -> None:
    plain = history(events(5))
    expired = Fault("ExpiredTokenException")
    api.handlers["LookupEvents"] = lambda request: plain(request) if request.get("NextToken") != "4" else expired
    noted = at(api.endpoint)
    kept: list[str] = []
    with pytest.raises(Stopped):
        kept.extend(found.uri for found in looked_up(noted.place))
    assert noted.kinds == ["expired"]


def test_a_collection_that_ended_early_goes_on_and_comes_to_the_same(api: Api, tmp_path: Path) -> None:
    wanted, plain = Wanted(START, END), history(events(200))
    for name, limit in (("whole", 10_000), ("broken", 90)):
        left = iter(range(limit))
        api.handlers["LookupEvents"] = lambda request, left=left: (
            plain(request) if next(left, None) is not None else Fault("ExpiredTokenException")
        )
        with Case.create(tmp_path / name) as case:
            found = collect(case, Aws(region="us-east-1", endpoint=api.endpoint), [STEP], wanted=wanted)
            assert (found.stopped is None) == (name == "whole")
    api.asked.clear()
    api.handlers["LookupEvents"] = plain
    with Case.open(tmp_path / "broken", read_only=False) as case, Case.open(tmp_path / "whole") as other:
        collect(case, Aws(region="us-east-1", endpoint=api.endpoint), [STEP], wanted=wanted)
        pages_of = "SELECT DISTINCT uri, sha256 FROM evidence ORDER BY 1"
        assert case.sql(pages_of).rows() == other.sql(pages_of).rows()
    first = START.replace(tzinfo=UTC).timestamp()
    again = [request for request in api.requests("LookupEvents") if "EventCategory" not in request]
    assert again and all(request["StartTime"] > first for request in again)
