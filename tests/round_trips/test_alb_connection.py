"""ALB connection log lines come back equal, with whatever a client's certificate calls itself."""

from hypothesis import given
from hypothesis import strategies as st

from tests.round_trips.fields import (
    ADDRESS,
    AT,
    NAME,
    PORT,
    QUICK,
    THOUSANDTHS,
    UNAMBIGUOUS,
    Record,
    assert_back,
    assert_unchanged,
    client,
    escaped,
    file_of,
    iso,
    maybe,
    plain,
    quoted,
    several,
)

VALIDITY = st.builds(lambda a, b: f"NotBefore={iso(a)};NotAfter={iso(b)}", AT, AT)
BEFORE = {
    "timestamp": AT,
    "client_ip": ADDRESS,
    **dict.fromkeys(("client_port", "listener_port"), PORT),
    **dict.fromkeys(("tls_protocol", "tls_cipher"), maybe(NAME)),
    "tls_handshake_latency": maybe(THOUSANDTHS),
}
AFTER = {
    "leaf_client_cert_validity": maybe(VALIDITY),
    "leaf_client_cert_serial_number": maybe(NAME),
    "tls_verify_status": st.sampled_from(("Success", "Failed:ClientCertUntrusted", "-")).map(
        lambda text: None if text == "-" else text
    ),
    "conn_trace_id": NAME.map(lambda name: f"TID_{name}"),
    "tls_keyexchange": maybe(NAME),
    "elb": NAME.map(lambda name: f"app/{name}/0123456789abcdef"),
    "ip_address": maybe(ADDRESS),
}
SUBJECT = "leaf_client_cert_subject"
ORDER = (*BEFORE, SUBJECT, *AFTER)
ANY = client(pieces=('"', '" ', '" - - Success TID_x ', " ", "CN=x", ","))


def records(subject: st.SearchStrategy[str]) -> st.SearchStrategy[list[Record]]:
    return several(st.fixed_dictionaries(BEFORE | {SUBJECT: maybe(subject)} | AFTER))


def line(record: Record, count: int = len(ORDER)) -> str:
    return " ".join((quoted if field == SUBJECT else plain)(record[field]) for field in ORDER[:count])


@QUICK
@given(records(client(without="\n").map(escaped) | UNAMBIGUOUS))
def test_lines_come_back(found: list[Record]) -> None:
    """Holds where quotes in a subject are escaped, or none of them stands before a blank."""
    assert_back("alb_connection", found, file_of(map(line, found)))


@QUICK
@given(records(UNAMBIGUOUS))
def test_older_lines_without_the_newest_fields_come_back(found: list[Record]) -> None:
    absent = dict.fromkeys(ORDER[12:])
    text = file_of(line(record, 12) for record in found)
    assert_back("alb_connection", [record | absent for record in found], text)


@QUICK
@given(records(ANY))
def test_subjects_of_any_text_change_no_value_of_the_load_balancer(found: list[Record]) -> None:
    assert_unchanged("alb_connection", found, file_of(map(line, found)), (*BEFORE, *AFTER))
