"""Behaviours in flows: beacons, connections that stay open, new destinations, volumes; and what only looks so."""

import random

import pytest

from tests.behaviour.behaviour_worlds import flow, hits, query, traffic
from tests.worlds import Record

REMOTE = "203.0.113.9"


def beats(
    count: int = 60, *, every: float = 60, jitter: float = 0, after: float = 7200, **more: int | str
) -> list[Record]:
    made = random.Random(1)
    return [
        flow(after + every * place + made.uniform(-jitter, jitter), source=50_000 + place, **more)
        for place in range(count)
    ]


# Beacons


def test_connections_at_one_interval_are_a_beacon_with_its_figures() -> None:
    (hit,) = hits("beacon", vpc_flow=[*traffic(), *beats(60, jitter=2)])
    assert hit.title == "every 60 s a connection to 203.0.113.9:443"
    assert hit.severity == 6
    assert hit.reasons[0].startswith("60 connections, every 60 s ± 1")
    assert hit.reasons[0].endswith("(medians), for 59 min")
    assert hit.reasons[1:3] == (
        "always of the same size",
        "it began 118 min after the first traffic of the interface",
    )
    assert (hit.evidence_count, len(hit.evidence_event_ids)) == (60, 50)


def test_a_beacon_of_ten_minutes_whose_starts_are_a_minute_late_is_still_one() -> None:
    (hit,) = hits("beacon", vpc_flow=[*traffic(), *beats(20, every=600, jitter=30)])
    assert hit.title.startswith("every 598 s")


def test_what_a_workload_does_from_its_beginning_on_is_less() -> None:
    (hit,) = hits("beacon", vpc_flow=[*traffic(), *beats(60, after=10)])
    assert hit.severity == 4
    assert "so from the first traffic of the interface on: more like its work" in hit.reasons


def test_an_agent_on_five_machines_is_less() -> None:
    machines = [beats(60, interface=f"eni-{place}", near=f"10.0.0.{place}") for place in range(5)]
    found = hits("beacon", vpc_flow=[record for machine in machines for record in machine])
    assert [hit.severity for hit in found] == [2.0] * 5


def one_long_connection() -> list[Record]:
    """Cut into records by the aggregation interval."""
    return [flow(7200 + 60 * place, source=50_000, lasts=58) for place in range(60)]


@pytest.mark.parametrize(
    "records",
    [
        pytest.param(one_long_connection(), id="one long connection, cut by the aggregation"),
        pytest.param(beats(60, jitter=30), id="chance"),
        pytest.param(beats(11), id="eleven times"),
        pytest.param(beats(60, every=5), id="a program at work"),
        pytest.param(beats(60, port=123), id="time servers"),
        pytest.param(beats(60, remote="10.0.3.9"), id="an inner address"),
        pytest.param(beats(60, **{"pkt-dst-aws-service": "S3"}), id="an AWS service"),
        pytest.param(beats(60, action="REJECT"), id="rejected"),
    ],
)
def test_what_only_looks_like_a_beacon_is_none(records: list[Record]) -> None:
    assert hits("beacon", vpc_flow=[*traffic(), *records]) == []


def test_a_health_check_from_outside_is_no_beacon() -> None:
    checks = [record | {"srcaddr": REMOTE, "dstaddr": "10.0.0.5"} for record in beats(60)]
    assert hits("beacon", vpc_flow=[*traffic(), *checks]) == []


def test_an_address_that_dns_says_is_of_aws_is_left_out_and_of_another_name_is_named() -> None:
    def answered(name: str) -> list[Record]:
        return [query(10, name, answers=[{"Rdata": REMOTE, "Type": "A", "Class": "IN"}])]

    records = [*traffic(), *beats(60)]
    aws = answered("ssm.us-east-1.amazonaws.com")
    assert hits("beacon", vpc_flow=records, route53_resolver=aws) == []
    (hit,) = hits("beacon", vpc_flow=records, route53_resolver=answered("amazonaws.com.example.net"))
    assert hit.title == "every 60 s a connection to amazonaws.com.example.net (203.0.113.9):443"


def test_flow_logs_without_ports_or_directions_do_no_harm() -> None:
    bare = [{name: value for name, value in record.items() if "port" not in name} for record in beats(60)]
    (hit,) = hits("beacon", vpc_flow=bare)
    assert hit.title == "every 60 s a connection to 203.0.113.9"


# Connections that stay open


def test_one_connection_open_for_an_hour_to_an_odd_port_is_found() -> None:
    kept = [record | {"dstport": 4444} for record in one_long_connection()]
    (hit,) = hits("long-connection", vpc_flow=[*traffic(), *kept])
    assert hit.title == "open for 60 min: a connection to 203.0.113.9:4444"
    assert hit.severity == 5


@pytest.mark.parametrize(
    "records",
    [
        pytest.param(one_long_connection(), id="port 443"),
        pytest.param([flow(7200, port=4444, lasts=58), flow(10800, port=4444, lasts=58)], id="a port used again"),
        pytest.param([flow(7200 + 60 * place, port=4444, lasts=58) for place in range(8)], id="eight minutes"),
    ],
)
def test_ordinary_connections_are_not_long(records: list[Record]) -> None:
    assert hits("long-connection", vpc_flow=[*traffic(), *records]) == []


# New destinations


def test_the_first_other_address_after_hours_is_a_new_destination() -> None:
    upload = [flow(11_000 + place, REMOTE, port=8443, sent=2_000_000, source=50_000 + place) for place in range(3)]
    (hit,) = hits("new-destination", vpc_flow=[*traffic(), *upload])
    assert hit.title == "first connection to 203.0.113.9:8443"
    assert hit.severity == 7
    assert hit.reasons == (
        "in 3 h of its traffic before, 3 h of it in the logs, 1 other destination on the internet",
        "no other interface had connected there",
        "port 8443 is new to it",
        "an upload: 6 MB sent, 0 kB received",
    )


def test_a_workload_that_always_meets_new_addresses_has_no_new_destination() -> None:
    crawl = [flow(600 * place, f"203.0.113.{place}", source=42_000 + place) for place in range(24)]
    assert hits("new-destination", vpc_flow=[*traffic(), *crawl]) == []


def test_a_new_address_within_the_first_hours_is_not_new() -> None:
    assert hits("new-destination", vpc_flow=[*traffic(), flow(5_000, REMOTE)]) == []


def test_a_new_destination_of_an_interface_is_its_instance_s() -> None:
    task = "arn:aws:ecs:us-east-1:111122223333:task/shop/0123456789abcdef0123456789abcdef"
    (hit,) = hits("new-destination", vpc_flow=[*traffic(), flow(11_000, REMOTE, **{"ecs-task-arn": task})])
    assert hit.workload == task


# Volume


def test_sending_far_more_than_ever_is_out_of_line() -> None:
    much = [flow(11_000 + place, REMOTE, sent=5_000_000, source=50_000 + place) for place in range(3)]
    (hit,) = hits("volume-out", vpc_flow=[*traffic(sent=20_000), *much])
    assert hit.title == "15 MB sent to the internet in 10 minutes, at most 20 kB before"
    assert hit.severity == 6
    assert hit.reasons[0] == "15 MB to 2 addresses, most of it, 15 MB, to 203.0.113.9"


@pytest.mark.parametrize(
    "records",
    [
        pytest.param([*traffic(sent=3_000_000), flow(11_000, REMOTE, sent=5_000_000)], id="a busy sender"),
        pytest.param([*traffic(), flow(11_000, REMOTE, sent=500_000)], id="little"),
        pytest.param([*traffic(), flow(3_000, REMOTE, sent=5_000_000)], id="in the first hour"),
        pytest.param([*traffic(), flow(11_000, "10.0.9.9", sent=5_000_000)], id="to an inner address"),
    ],
)
def test_what_is_not_much_or_not_new_is_in_line(records: list[Record]) -> None:
    assert hits("volume-out", vpc_flow=records) == []
