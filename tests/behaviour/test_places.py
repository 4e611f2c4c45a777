"""Impossible places: journeys, two places in turn, and workload credentials outside."""

from pathlib import Path
from typing import Any

import pytest

from forensics.behaviour import find
from forensics.geography import Geography, read_geography
from tests.analysis.theft_worlds import OUTSIDE, accused, case_of, function, own, used
from tests.behaviour.behaviour_worlds import ELSEWHERE, LINUX, OFFICE, clock, from_where, hits, morning
from tests.mmdb import write_mmdb
from tests.worlds import Record, user

DEV = user()
HAMBURG = {"country": {"names": {"en": "Germany"}}, "city": {"names": {"en": "Hamburg"}}}
TOKYO = {"country": {"names": {"en": "Japan"}}, "city": {"names": {"en": "Tokyo"}}}


@pytest.fixture
def geography(tmp_path: Path) -> Geography:
    """The office is in Hamburg, elsewhere in Tokyo, 198.51.100.60 beside the office."""
    known: dict[str, dict[str, Any]] = {
        "198.51.100.0/24": HAMBURG | {"location": {"latitude": 53.5, "longitude": 10.0}},
        "203.0.113.0/24": TOKYO | {"location": {"latitude": 35.7, "longitude": 139.7}},
    }
    return read_geography([write_mmdb(tmp_path / "city.mmdb", "GeoLite2-City", known)])


def test_a_new_manner_names_the_network_where_a_file_knows_it(tmp_path: Path) -> None:
    known = {
        "198.51.100.0/24": {"autonomous_system_number": 64500, "autonomous_system_organization": "Office"},
        "203.0.113.0/24": {"autonomous_system_number": 64501, "autonomous_system_organization": "Hosting"},
    }
    networks = read_geography([write_mmdb(tmp_path / "asn.mmdb", "GeoLite2-ASN", known)])
    visit = [from_where(DEV, name, "09:00:30", ELSEWHERE, LINUX) for name in ("iam:ListUsers", "iam:CreateUser")]
    (hit,) = hits("new-manner", geography=networks, cloudtrail=[*morning(), *visit])
    assert hit.reasons[1] == "none of its calls before came from AS64501 Hosting"


def calls(*places: tuple[str, str, str]) -> list[Record]:
    return [
        from_where(DEV, "s3:ListBuckets", at, address, agent, eventID=f"call-{at}") for at, address, agent in places
    ]


def test_a_key_in_hamburg_and_ten_minutes_later_in_tokyo_is_impossible(geography: Geography) -> None:
    made = calls(("09:00:00", OFFICE, LINUX), ("09:10:00", ELSEWHERE, LINUX))
    (hit,) = hits("impossible-place", geography=geography, cloudtrail=made)
    assert hit.title == "in Hamburg, Germany and 10 minutes later in Tokyo, Japan"
    assert hit.reasons[0].endswith(" km between Hamburg, Germany (198.51.100.50) and Tokyo, Japan (203.0.113.77)")
    assert 8900 < int(hit.reasons[0].split()[0]) < 9100


def test_a_flight_and_a_short_way_are_possible(geography: Geography) -> None:
    flight = calls(("06:00:00", OFFICE, LINUX), ("19:00:00", ELSEWHERE, LINUX))
    short = calls(("09:00:00", OFFICE, LINUX), ("09:00:10", "198.51.100.60", LINUX))
    assert hits("impossible-place", geography=geography, cloudtrail=flight) == []
    assert hits("impossible-place", geography=geography, cloudtrail=short) == []


def turns(
    count: int, *, agent: str = "Mozilla/5.0 (Macintosh)", other: str = ELSEWHERE, apart: int = 60
) -> list[Record]:
    both = ((OFFICE, LINUX), (other, agent))
    return calls(*((clock(apart * place), *both[place % 2]) for place in range(count)))


def test_a_key_used_from_two_networks_in_turn_with_two_clients_is_found_without_geography() -> None:
    (hit,) = hits("impossible-place", cloudtrail=turns(6))
    assert hit.reasons == (
        "5 changes of address and client within 5 min",
        "aws-cli on Linux from 198.51.100.50, Mozilla on macOS from 203.0.113.77",
    )


@pytest.mark.parametrize(
    "made",
    [
        pytest.param(turns(3), id="there and back once"),
        pytest.param(turns(6, agent=LINUX), id="one client: machines that share a key"),
        pytest.param(turns(6, other="2001:db8::7"), id="IPv4 and IPv6 of one machine"),
        pytest.param(turns(6, apart=2400), id="forty minutes between"),
    ],
)
def test_what_one_person_may_do_is_no_impossible_place(made: list[Record]) -> None:
    assert hits("impossible-place", cloudtrail=made) == []


def test_a_workload_s_credential_outside_is_told_by_the_theft_test_with_its_reasons(tmp_path: Path) -> None:
    with case_of(tmp_path, cloudtrail=[own(), used(function(), OUTSIDE)], guardduty=[accused()]) as case:
        (hit,) = find(case, ["impossible-place"]).hits
    assert (hit.access_key_id, hit.severity) == (function()["accessKeyId"], 7)
    assert any("GuardDuty says" in reason for reason in hit.reasons)
    assert len(set(hit.reasons)) == len(hit.reasons)


def test_a_workload_s_credential_inside_is_nothing(tmp_path: Path) -> None:
    with case_of(tmp_path, cloudtrail=[own(), own("08:40:00")]) as case:
        assert find(case, ["impossible-place"]).hits == ()
