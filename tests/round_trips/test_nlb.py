"""NLB access log lines come back equal: TLS connections with times without a zone."""

from datetime import datetime

from hypothesis import example, given
from hypothesis import strategies as st

from tests.round_trips.fields import (
    AT_SECOND,
    COUNT,
    ENDPOINT,
    NAME,
    QUICK,
    Record,
    assert_back,
    file_of,
    maybe,
    plain,
    quoted,
    several,
)

PROTOCOLS = ("h2", "http/1.1", "http/1.0", "spdy/3", "h3")
LIST = st.lists(st.sampled_from(PROTOCOLS) | NAME, min_size=1, max_size=6)
FIELDS = {
    "type": st.just("tls"),
    "version": st.just("2.0"),
    "time": AT_SECOND,
    "elb": NAME.map(lambda name: f"net/{name}/0123456789abcdef"),
    "listener": NAME,
    **dict.fromkeys(("client:port", "destination:port"), ENDPOINT),
    **dict.fromkeys(("connection_time", "tls_handshake_time"), maybe(COUNT)),
    **dict.fromkeys(("received_bytes", "sent_bytes"), COUNT),
    **dict.fromkeys(("incoming_tls_alert", "chosen_cert_arn", "chosen_cert_serial", "tls_cipher"), maybe(NAME)),
    **dict.fromkeys(("tls_protocol_version", "tls_keyexchange", "domain_name"), maybe(NAME)),
    **dict.fromkeys(("alpn_fe_protocol", "alpn_be_protocol"), maybe(st.sampled_from(PROTOCOLS))),
    "alpn_client_preference_list": maybe(LIST),
    "tls_connection_creation_time": AT_SECOND,
}
RECORD = st.fixed_dictionaries(FIELDS)

NOON = datetime(2026, 11, 5, 12)
PLAIN: Record = dict.fromkeys(FIELDS) | {
    "type": "tls",
    "version": "2.0",
    "time": NOON,
    "tls_connection_creation_time": NOON,
}
PLAIN |= {"elb": "net/a/0", "client:port": "203.0.113.9:1", "received_bytes": 1, "sent_bytes": 1}
OFFERS_THREE = PLAIN | {"alpn_client_preference_list": ["h2", "http/1.1", "http/1.0"]}


def line(record: Record) -> str:
    texts = {field: plain(held) for field, held in record.items()}
    texts |= {field: texts[field][:19] for field in ("time", "tls_connection_creation_time")}
    offered = record["alpn_client_preference_list"]
    texts["alpn_client_preference_list"] = ",".join(map(quoted, offered)) if offered else "-"
    return " ".join(texts[field] for field in FIELDS)


def told(record: Record) -> Record:
    """The record as its row: the list of protocols is one text, quotes off."""
    offered = record["alpn_client_preference_list"]
    return record | {"alpn_client_preference_list": ",".join(offered) if offered else None}


@QUICK
@given(several(RECORD))
@example([OFFERS_THREE])
def test_lines_come_back(found: list[Record]) -> None:
    assert_back("nlb", list(map(told, found)), file_of(map(line, found)))


@QUICK
@given(several(st.fixed_dictionaries(FIELDS | {"alpn_client_preference_list": st.none()})), st.integers(1, 6))
def test_older_lines_of_fewer_fields_come_back(found: list[Record], count: int) -> None:
    absent = dict.fromkeys(list(FIELDS)[-count:])
    cut = [line(record).rsplit(" ", count)[0] for record in found]
    assert_back("nlb", [told(record) | absent for record in found], file_of(cut))
