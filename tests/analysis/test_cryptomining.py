"""What says that something mines, and who launched it."""

import shlex
from pathlib import Path
from typing import Any

from forensics.analysis.cryptomining import investigate
from forensics.analysis.mining import pools
from forensics.report.display import show_statements
from tests.analysis.suspect_worlds import CONTRACTOR, OFFICE, OTHER, at_work
from tests.analysis.theft_worlds import CLI, OUTSIDE, case_of
from tests.workload_worlds import WEB, WEB_ID, flow, found, run, service_part, terminate
from tests.worlds import Record

POOL = "203.0.113.99"


def steady(port: int = 3333, *, minutes: int = 12, octets: int = 2_000, to: str = POOL) -> list[Record]:
    """A connection of the instance, a record a minute."""
    return [
        flow(
            f"09:{10 + minute}:00",
            f"09:{10 + minute}:58",
            srcaddr="10.0.0.5",
            dstaddr=to,
            srcport=40_000,
            dstport=port,
            bytes=octets,
            action="ACCEPT",
        )
        for minute in range(minutes)
    ]


def asked(name: str, answer: str = POOL, at: str = "09:09:00") -> Record:
    """The instance asks for a name."""
    return {
        "version": "1.100000",
        "account_id": "111122223333",
        "region": "us-east-1",
        "vpc_id": "vpc-1",
        "query_timestamp": f"2026-11-05T{at}Z",
        "query_name": name,
        "query_type": "A",
        "rcode": "NOERROR",
        "answers": [{"Rdata": answer, "Type": "A", "Class": "IN"}],
        "srcaddr": "10.0.0.5",
        "srcids": {"instance": WEB_ID},
    }


def launch(who: Record = CONTRACTOR, address: str = OUTSIDE) -> Record:
    return run(at="09:00:00") | {"userIdentity": who, "sourceIPAddress": address, "userAgent": CLI}


def finding(**more: Any) -> Record:
    return (
        found(
            type="CryptoCurrency:EC2/BitcoinTool.B",
            resource={"resourceType": "Instance", "instanceDetails": {"instanceId": WEB_ID}},
            service=service_part(resourceRole="ACTOR"),
        )
        | more
    )


def addresses(tmp_path: Path, **records: list[Record]) -> list[str]:
    with case_of(tmp_path, cloudtrail=[launch()], **records) as case:
        return [str(row[0]) for row in pools(case).rows()]


def test_a_long_steady_connection_to_a_port_of_mining_is_one_to_a_pool(tmp_path: Path) -> None:
    assert addresses(tmp_path / "a", vpc_flow=steady()) == [POOL]
    assert addresses(tmp_path / "b", vpc_flow=steady(minutes=9)) == []
    assert addresses(tmp_path / "c", vpc_flow=steady(octets=5_000_000)) == []
    assert addresses(tmp_path / "d", vpc_flow=steady(to="10.0.0.99")) == []
    assert addresses(tmp_path / "e", vpc_flow=steady(4444)) == []


def test_a_name_like_a_pool_s_counts_only_where_a_steady_connection_follows(tmp_path: Path) -> None:
    assert addresses(tmp_path / "a", route53_resolver=[asked("pool.example.net.")]) == []
    assert addresses(tmp_path / "b", route53_resolver=[asked("pool.example.net.")], vpc_flow=steady(4444)) == [POOL]
    assert addresses(tmp_path / "c", route53_resolver=[asked("0.pool.ntp.org.")], vpc_flow=steady(123)) == []
    assert addresses(tmp_path / "d", route53_resolver=[asked("carpool.example.net.")], vpc_flow=steady(4444)) == []


def test_a_name_that_only_pools_have_counts_alone(tmp_path: Path) -> None:
    with case_of(tmp_path, cloudtrail=[launch()], route53_resolver=[asked("xmr.nanopool.org.")]) as case:
        assert investigate(case).miners == [WEB]


def test_who_launched_what_mines_is_judged_without_a_finding_too(tmp_path: Path) -> None:
    with case_of(tmp_path, cloudtrail=[*at_work(), launch()], vpc_flow=steady()) as case:
        answer = investigate(case)
        assert dict(answer.intrusion.stolen) == {CONTRACTOR["accessKeyId"]: (OUTSIDE,)}
        assert "1 of 1 miner was launched in an intruder's hands" in answer.verdict
        assert any(WEB_ID in shlex.split(item.command) for item in answer.containment)


def test_a_miner_that_a_colleague_launched_was_broken_into(tmp_path: Path) -> None:
    with case_of(tmp_path, cloudtrail=[*at_work(OTHER), launch(OTHER, OFFICE)], guardduty=[finding()]) as case:
        answer = investigate(case)
        assert (dict(answer.intrusion.stolen), answer.found) == ({}, True)
        assert "Not launched in an intruder's hands, as far as evidence shows" in answer.verdict
        (said,) = answer.statements
        assert [place.event_id for place in said.evidence] == ["f-1"]


def test_what_was_ended_is_not_stopped_again(tmp_path: Path) -> None:
    calls = [*at_work(), launch(), terminate(at="10:00:00")]
    with case_of(tmp_path, cloudtrail=calls, guardduty=[finding()]) as case:
        answer = investigate(case)
        assert answer.cost.df()[["hours", "state"]].to_numpy().tolist() == [[1.0, "stopped"]]
        assert [item.purpose for item in answer.containment if WEB_ID in item.command] == []


def test_samples_are_no_signs_and_names_are_no_markup(tmp_path: Path) -> None:
    with case_of(tmp_path / "a", cloudtrail=[launch()], guardduty=[finding(title="[SAMPLE] x")]) as case:
        assert investigate(case).found is False
    with case_of(tmp_path / "b", cloudtrail=[launch()], route53_resolver=[asked("<b>.nanopool.org.")]) as case:
        assert "<b>" not in show_statements(investigate(case).statements).html
