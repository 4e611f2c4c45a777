"""CLB access log lines come back equal, with the raw quotes of clients."""

from datetime import datetime

from hypothesis import example, given
from hypothesis import strategies as st

from tests.round_trips.fields import (
    AT,
    COUNT,
    ENDPOINT,
    HOSTILE,
    NAME,
    QUICK,
    SECONDS,
    STATUS,
    UNAMBIGUOUS,
    Record,
    assert_back,
    assert_unchanged,
    client,
    escaped,
    file_of,
    maybe,
    plain,
    quoted,
    several,
)

TIMES = ("request_processing_time", "backend_processing_time", "response_processing_time")
BEFORE = {
    "timestamp": AT,
    "elb": NAME,
    "client:port": ENDPOINT,
    "backend:port": maybe(ENDPOINT),
    **dict.fromkeys(TIMES, SECONDS),
    **dict.fromkeys(("elb_status_code", "backend_status_code"), maybe(STATUS)),
    **dict.fromkeys(("received_bytes", "sent_bytes"), COUNT),
}
AFTER = {"ssl_cipher": maybe(NAME), "ssl_protocol": maybe(st.sampled_from(("TLSv1", "TLSv1.2")))}
ORDER = (*BEFORE, "request", "user_agent", *AFTER)
ESCAPED = client(without="\n").map(escaped)
ANY = client(pieces=(*HOSTILE, 'x HTTP/1.1" "', '" - -', '" C TLSv1 '))

PLAIN: Record = dict.fromkeys(ORDER) | dict.fromkeys(TIMES, 0.1) | {"timestamp": datetime(2026, 11, 5, 12), "elb": "a"}
PLAIN |= {"client:port": "203.0.113.9:1", "received_bytes": 1, "sent_bytes": 1, "request": "GET / HTTP/1.1"}


def records(said: st.SearchStrategy[str]) -> st.SearchStrategy[list[Record]]:
    return several(st.fixed_dictionaries(BEFORE | {"request": said, "user_agent": maybe(said)} | AFTER))


def line(record: Record) -> str:
    return " ".join((quoted if field in ("request", "user_agent") else plain)(record[field]) for field in ORDER)


@QUICK
@given(records(ESCAPED | st.just("- - - ")))
def test_lines_with_escaped_quotes_come_back(found: list[Record]) -> None:
    assert_back("clb", found, file_of(map(line, found)))


@QUICK
@given(records(UNAMBIGUOUS))
def test_lines_with_raw_quotes_come_back(found: list[Record]) -> None:
    """Holds where no quote inside the request or the agent stands before a blank."""
    assert_back("clb", found, file_of(map(line, found)))


@QUICK
@given(records(ANY))
def test_clients_change_no_value_before_the_request(found: list[Record]) -> None:
    """Outside of the domains above: raw quotes before blanks."""
    assert_unchanged("clb", found, file_of(map(line, found)), tuple(BEFORE))


@QUICK
@given(records(ANY))
@example([PLAIN | {"user_agent": 'x" C TLSv1 "', "ssl_cipher": "AES", "ssl_protocol": "TLSv1.2"}])
def test_clients_change_no_value_after_the_agent(found: list[Record]) -> None:
    assert_unchanged("clb", found, file_of(map(line, found)), tuple(AFTER))
