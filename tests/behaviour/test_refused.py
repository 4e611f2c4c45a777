"""Bursts of refusals besides API calls: rejected traffic from inside, denied requests; what nearly is one."""

import pytest

from tests.behaviour.behaviour_worlds import ELSEWHERE, hits, rejected, request, traffic
from tests.worlds import Record


def test_an_inner_address_that_is_refused_at_many_ports_is_found() -> None:
    (hit,) = hits("rejects", vpc_flow=[*traffic(), *rejected(25)])
    assert (hit.title, hit.severity) == ("10.0.0.5 was refused at 25 hosts and ports within minutes", 5)
    assert hit.resources == ("10.0.0.5",)
    assert hit.reasons == (
        "25 records of rejected traffic to 1 host and 25 ports, within 2 min",
        "such as 10.0.0.9, ports 1000 to 1024",
        "nothing of it was refused before",
    )
    assert len(hit.evidence_event_ids) == hit.evidence_count == 25


@pytest.mark.parametrize(
    "records",
    [
        pytest.param(rejected(19), id="at few"),
        pytest.param(rejected(25, near="198.51.100.9"), id="from the internet"),
        pytest.param(rejected(25, apart=120), id="one by one"),
        pytest.param([], id="nothing"),
    ],
)
def test_few_refusals_or_those_of_the_internet_are_everyday(records: list[Record]) -> None:
    assert hits("rejects", vpc_flow=[*traffic(), *records]) == []


def test_who_was_refused_as_much_before_weighs_less() -> None:
    (hit,) = hits(
        "rejects", vpc_flow=[*traffic(), *rejected(19, start=3_000), *rejected(5, start=6_000), *rejected(25)]
    )
    assert hit.severity == 3
    assert hit.reasons[-1] == "before, it was refused at 24 hosts and ports"


def probes(number: int, status: int = 403) -> list[Record]:
    return [request(5 * place, f"backup-{place}.sql", status) for place in range(number)]


def test_a_client_that_a_bucket_refuses_again_and_again_is_found_and_weighs_more_once_it_gets_in() -> None:
    (hit,) = hits("web-denials", s3_access=probes(30))
    (entered,) = hits("web-denials", s3_access=[*probes(30), request(200, "open.csv", 200)])
    assert (hit.severity, entered.severity) == (4, 5)
    assert hit.title == "30 requests of 203.0.113.77 denied (s3_access) within 2 min"
    assert entered.reasons[-1] == "then 1 of its requests succeeded, and none before"


@pytest.mark.parametrize(
    "records",
    [
        pytest.param(probes(19), id="few"),
        pytest.param([*probes(25), *(request(place, "ok", 200) for place in range(40))], id="who mostly succeeds"),
        pytest.param([request(200 * place, "x", 403) for place in range(30)], id="one by one"),
    ],
)
def test_few_denials_are_everyday(records: list[Record]) -> None:
    assert hits("web-denials", s3_access=records) == []


def test_a_hostile_key_is_a_resource_like_any_other() -> None:
    (hit,) = hits(
        "web-denials", s3_access=[request(place, "<script>'); DROP TABLE finding", 403) for place in range(30)]
    )
    assert hit.reasons[1] == "for 2 resources, such as arn:aws:s3:::orders-data"
    assert ELSEWHERE in hit.title
