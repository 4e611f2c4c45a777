"""Where addresses are: given files only, and what a report says of them."""

import json
from collections.abc import Iterator
from datetime import datetime
from pathlib import Path

import pytest

from forensics.case import Case
from forensics.errors import UsageError
from forensics.geography import Geography, Place, read_geography
from forensics.playbook import playbook
from forensics.timeline import Timeline
from forensics.views.geography import INSIDE, NOWHERE, SERVICE, geography_figure
from tests.mmdb import write_mmdb
from tests.playbooks.runs import case_of, shown
from tests.views.worlds import add_row

HOSTILE = "<script>alert(1)</script>"
COUNTRIES = {
    "203.0.113.0/24": {"country": {"iso_code": "XX", "names": {"en": "Nowhere"}}, "city": {"names": {"en": "Town"}}},
    "192.0.2.0/24": {"registered_country": {"iso_code": HOSTILE}},
}
NETWORKS = {"203.0.113.64/26": {"autonomous_system_number": 64500, "autonomous_system_organization": "Made-Up Hosting"}}
RANGES = {
    "createDate": "2026-11-01-00-00-00",
    "prefixes": [
        {"ip_prefix": "198.51.100.0/24", "region": "eu-west-1", "service": "AMAZON"},
        {"ip_prefix": "198.51.100.0/25", "region": "eu-west-1", "service": "AMAZON"},
        {"ip_prefix": "198.51.100.0/25", "region": "eu-west-1", "service": "EC2"},
    ],
    "ipv6_prefixes": [{"ipv6_prefix": "2001:db8::/32", "region": "us-east-1", "service": "S3"}],
}


@pytest.fixture
def ranges(tmp_path: Path) -> Path:
    path = tmp_path / "ip-ranges.json"
    path.write_text(json.dumps(RANGES))
    return path


@pytest.fixture
def databases(tmp_path: Path) -> list[Path]:
    pytest.importorskip("maxminddb")
    return [
        write_mmdb(tmp_path / "city.mmdb", "Made-Up-City", COUNTRIES),
        write_mmdb(tmp_path / "asn.mmdb", "Made-Up-ASN", NETWORKS),
    ]


@pytest.fixture
def case(tmp_path: Path) -> Iterator[Case]:
    with Case.create(tmp_path / "case") as made:
        yield made


def test_country_city_and_network_come_from_all_files_given(databases: list[Path]) -> None:
    made = read_geography(databases)
    assert made.place("203.0.113.77") == Place("Nowhere", "Town", "AS64500 Made-Up Hosting")
    assert made.place("203.0.113.1") == Place("Nowhere", "Town")
    assert made.place("192.0.2.1") == Place(HOSTILE)
    assert made.place("198.51.100.1") == made.place("2001:db8::1") == made.place("s3.amazonaws.com") == Place()
    assert made.made == ["Made-Up-City of 2026-11-01", "Made-Up-ASN of 2026-11-01"]


def test_of_aws_ranges_the_narrowest_tells_and_its_services_are_named(ranges: Path) -> None:
    made = read_geography(ip_ranges=ranges)
    assert made.place("198.51.100.1").aws == "EC2 eu-west-1"
    assert made.place("198.51.100.200").aws == "AMAZON eu-west-1"
    assert made.place("2001:db8::1").aws == "S3 us-east-1"
    assert made.place("203.0.113.1") == Place()


@pytest.mark.parametrize("text", ["", "[]", "{}", '{"prefixes": [{}], "ipv6_prefixes": []}'])
def test_another_file_is_no_list_of_ranges(tmp_path: Path, text: str) -> None:
    (tmp_path / "wrong.json").write_text(text)
    with pytest.raises(UsageError, match=r"wrong\.json is not AWS's ip-ranges\.json"):
        read_geography(ip_ranges=tmp_path / "wrong.json")


def test_another_file_is_no_maxmind_file(tmp_path: Path) -> None:
    pytest.importorskip("maxminddb")
    (tmp_path / "wrong.mmdb").write_text("no")
    for name in ("wrong.mmdb", "absent.mmdb"):
        with pytest.raises(UsageError, match=f"{name} cannot be read as a MaxMind file"):
            read_geography([tmp_path / name])


def test_without_the_reader_it_says_what_to_install(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setitem(__import__("sys").modules, "maxminddb", None)
    with pytest.raises(UsageError, match=r"pip install 'forensics\[geo\]'"):
        read_geography([tmp_path / "city.mmdb"])


def test_a_lane_is_a_country_and_network_an_aws_range_or_what_is_known_without(
    case: Case, databases: list[Path], ranges: Path
) -> None:
    at = datetime(2026, 3, 1, 8)
    for number, address in enumerate(("203.0.113.77", "10.0.0.1", "198.51.100.1", "s3.amazonaws.com", "100.128.0.1")):
        add_row(case, "cloudtrail", record=number, event_id=f"e{number}", event_time=at, source_ip_address=address)
    lanes = geography_figure(Timeline(case), read_geography(databases, ranges)).layout.yaxis.ticktext
    names = ("AWS: EC2 eu-west-1", SERVICE, "Nowhere, AS64500 Made-Up Hosting", NOWHERE, INSIDE)
    assert set(lanes) == {f"{name} 1" for name in names}
    plain = geography_figure(Timeline(case), Geography()).layout.yaxis.ticktext
    assert set(plain) == {f"{INSIDE} 1", f"{SERVICE} 1", f"{NOWHERE} 3"}


def test_a_report_says_where_the_cited_addresses_are_and_from_which_files(
    tmp_path: Path, databases: list[Path], ranges: Path
) -> None:
    _, path = case_of("lambda-credential-theft")
    given = {"workload": "orders-fn"}
    result = playbook("lambda-credential-theft").run(path, given, tmp_path / "out", geoip=databases, ip_ranges=ranges)
    text = shown(result.report.read_text("utf-8"))
    for part in (
        "Where the addresses are",
        "Nowhere",
        "AS64500 Made-Up Hosting",
        "Made-Up-City of 2026-11-01",
        "asn.mmdb",
    ):
        assert part in text
