"""Outside destinations: what counts as a connection, the signs against one, names that look like a program's."""

import re
from pathlib import Path

import pytest

from forensics.analysis.egress import investigate
from forensics.analysis.egress_destinations import GENERATED_NAME, POOL_NAME, Window, destinations
from forensics.analysis.egress_names import MANY_UNKNOWN, followed
from tests.analysis.theft_worlds import case_of
from tests.workload_worlds import DAY, flow
from tests.worlds import Record

REMOTE = "203.0.113.99"


def sent(
    at: str, *, to: str = REMOTE, srcport: int = 50_000, dstport: int = 443, octets: int = 100, **more: str
) -> Record:
    """A flow record of a connection from 10.0.0.5."""
    ports = {"srcport": srcport, "dstport": dstport, "bytes": octets, "dstaddr": to, "action": "ACCEPT"}
    return flow(at, at, **(ports | more))


def query(at: str, name: str, *, answer: str | None = REMOTE, rcode: str = "NOERROR") -> Record:
    """A query of 10.0.0.5."""
    answers = [{"Rdata": answer, "Type": "A", "Class": "IN"}] if answer else []
    made = {"query_timestamp": DAY + at, "query_name": f"{name}.", "rcode": rcode, "answers": answers}
    return made | {"srcaddr": "10.0.0.5", "vpc_id": "vpc-1", "query_type": "A"}


def test_an_answer_to_a_visitor_is_no_connection_of_ours(tmp_path: Path) -> None:
    served = sent("09:00:00", to="198.51.100.9", srcport=443, dstport=40_000)
    with case_of(tmp_path, vpc_flow=[served, sent("09:01:00")]) as case:
        assert [row[2] for row in destinations(case, Window()).rows()] == [REMOTE]


def test_a_pool_by_name_port_and_steadiness_is_taken_for_an_attackers(tmp_path: Path) -> None:
    mined = [sent(f"09:{minute:02d}:10", dstport=3333) for minute in range(40)]
    asked = [query("08:59:55", "pool.example.net")]
    with case_of(tmp_path, vpc_flow=mined, route53_resolver=asked) as case:
        answer = investigate(case)
        statements = answer.statements
    assert [(item.address, list(item.signs)) for item in answer.judged] == [
        (REMOTE, ["pool name", "mining port", "steady"])
    ]
    assert answer.found
    assert [item.id for item in statements][:2] == ["name-01", "destination-01"]


def test_a_build_machine_that_fetches_every_minute_is_not_accused(tmp_path: Path) -> None:
    fetched = [sent(f"09:{minute:02d}:10") for minute in range(40)]
    with case_of(tmp_path, vpc_flow=fetched) as case:
        answer = investigate(case)
        assert (answer.judged, answer.found) == ((), False)


def test_much_sent_to_what_an_old_interface_never_met_bears_a_look_only(tmp_path: Path) -> None:
    flows = [sent("07:00:00", to="198.51.100.20"), sent("09:00:00", octets=2_000_000)]
    with case_of(tmp_path, vpc_flow=flows) as case:
        answer = investigate(case)
        verdict = answer.verdict
    assert [(item.address, list(item.signs)) for item in answer.judged] == [(REMOTE, ["new", "upload"])]
    assert "Worth a look: 203.0.113.99." in verdict


def test_a_name_is_joined_to_the_connection_that_followed_it_and_to_no_later_one(tmp_path: Path) -> None:
    asked = [query("09:00:00", "a.example.net"), query("11:00:00", "b.example.net")]
    with case_of(tmp_path, vpc_flow=[sent("09:00:05")], route53_resolver=asked) as case:
        assert [(row[0], row[1], row[6]) for row in followed(case, Window()).rows()] == [("a.example.net", REMOTE, 1)]


def test_many_generated_names_that_do_not_exist_are_a_search_for_a_master(tmp_path: Path) -> None:
    asked = [query(f"09:00:{n:02d}", f"xkqwzr{n}tvbnm.com", answer=None, rcode="NXDOMAIN") for n in range(MANY_UNKNOWN)]
    with case_of(tmp_path, route53_resolver=asked) as case:
        statements = investigate(case).statements
    assert [(item.id, len(item.evidence)) for item in statements] == [("search-01", MANY_UNKNOWN)]


@pytest.mark.parametrize(
    ("name", "pool", "generated"),
    [
        ("pool.example.net", True, False),
        ("xmr-eu1.nanopool.org", True, False),
        ("carpool.example.com", False, False),
        ("whirlpools.example.com", False, False),
        ("s3.us-east-1.amazonaws.com", False, False),
        ("d111111abcdef8.cloudfront.net", False, False),
        ("xkqwzrtvbnm.com", False, True),
        ("a8f3k29dk2mx.top", False, True),
    ],
)
def test_what_names_look_like(name: str, pool: bool, generated: bool) -> None:
    assert bool(re.search(POOL_NAME, name, re.IGNORECASE)) is pool
    assert bool(re.search(GENERATED_NAME, name, re.IGNORECASE)) is generated


def test_hostile_text_of_a_name_stays_text(tmp_path: Path) -> None:
    hostile = "pool.'; drop table event; --<script>.example.net"
    mined = [sent(f"09:{minute:02d}:10", dstport=3333) for minute in range(40)]
    with case_of(tmp_path, vpc_flow=mined, route53_resolver=[query("08:59:55", hostile)]) as case:
        answer = investigate(case, domain=hostile)
        commands = [item.command for item in answer.containment]
    assert any("'pool.'\"'\"'; drop table" in item for item in commands)
