"""Route 53 query log lines come back equal."""

from hypothesis import given
from hypothesis import strategies as st

from tests.loading import envelope
from tests.round_trips.fields import (
    ADDRESS,
    AT_SECOND,
    NAME,
    QUICK,
    WORD,
    Record,
    assert_back,
    file_of,
    iso,
    maybe,
    plain,
    several,
)

FIELDS = {
    "version": st.just("1.0"),
    "query_timestamp": AT_SECOND,
    "hosted_zone_id": NAME.map(lambda name: f"Z{name.upper()}"),
    "query_name": WORD,
    "query_type": st.sampled_from(("A", "AAAA", "TXT", "TYPE65")),
    "response_code": st.sampled_from(("NOERROR", "NXDOMAIN", "SERVFAIL")),
    "protocol": st.sampled_from(("UDP", "TCP")),
    "edge_location": st.sampled_from(("IAD12", "FRA50-C1")),
    "resolver_ip": ADDRESS,
    "edns_client_subnet": maybe(ADDRESS.map(lambda address: f"{address}/24")),
}
RECORDS = several(st.fixed_dictionaries(FIELDS))


def line(record: Record) -> str:
    texts = {field: plain(record[field]) for field in FIELDS}
    return " ".join((texts | {"query_timestamp": iso(record["query_timestamp"], "seconds")}).values())


@QUICK
@given(RECORDS)
def test_lines_come_back(found: list[Record]) -> None:
    assert_back("route53_public", found, file_of(map(line, found)))


@QUICK
@given(RECORDS)
def test_events_of_a_zone_s_stream_come_back(found: list[Record]) -> None:
    text = envelope(*map(line, found), group="dns", stream="Z123412341234/IAD12").decode()
    assert_back("route53_public", found, text)
