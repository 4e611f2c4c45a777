"""ALB access log lines come back equal, in the escapes of today and with the raw quotes of old files."""

from collections.abc import Sequence
from datetime import datetime

from hypothesis import example, given
from hypothesis import strategies as st

from tests.round_trips.fields import (
    ADDRESS,
    AT,
    COUNT,
    ENDPOINT,
    HOSTILE,
    NAME,
    QUICK,
    SECONDS,
    STATUS,
    UNAMBIGUOUS,
    WORD,
    Record,
    assert_back,
    assert_unchanged,
    back,
    client,
    escaped,
    file_of,
    maybe,
    plain,
    quoted,
    several,
    unmapped,
)

TIMES = ("request_processing_time", "target_processing_time", "response_processing_time")
BEFORE = {
    "type": st.sampled_from(("http", "https", "h2", "grpcs", "ws", "wss")),
    "time": AT,
    "elb": NAME.map(lambda name: f"app/{name}/0123456789abcdef"),
    "client:port": ENDPOINT,
    "target:port": maybe(ENDPOINT),
    **dict.fromkeys(TIMES, SECONDS),
    **dict.fromkeys(("elb_status_code", "target_status_code"), maybe(STATUS)),
    **dict.fromkeys(("received_bytes", "sent_bytes"), COUNT),
}
AFTER = {
    "ssl_cipher": maybe(NAME),
    "ssl_protocol": maybe(st.sampled_from(("TLSv1.2", "TLSv1.3"))),
    "target_group_arn": maybe(NAME.map(lambda name: f"arn:aws:elasticloadbalancing:::targetgroup/{name}")),
    "trace_id": maybe(NAME.map(lambda name: f"Root=1-{name}")),
    "domain_name": maybe(NAME),
    "chosen_cert_arn": maybe(st.just("session-reused") | NAME),
    "matched_rule_priority": maybe(st.integers(-1, 50_000)),
    "request_creation_time": AT,
    "actions_executed": maybe(st.sampled_from(("waf", "waf,forward", "authenticate,rewrite,forward"))),
    "redirect_url": maybe(NAME),
    "error_reason": maybe(NAME),
    "target:port_list": maybe(st.lists(ENDPOINT, min_size=1, max_size=3).map(" ".join)),
    "target_status_code_list": maybe(st.lists(STATUS.map(str), min_size=1, max_size=3).map(" ".join)),
    "classification": maybe(st.sampled_from(("Acceptable", "Ambiguous", "Severe"))),
    "classification_reason": maybe(NAME),
    "conn_trace_id": maybe(NAME.map(lambda name: f"TID_{name}")),
    **dict.fromkeys(("transformed_host", "transformed_uri", "request_transform_status"), maybe(NAME)),
    "ip_address": maybe(ADDRESS),
}
ORDER = (*BEFORE, "request", "user_agent", *AFTER)
BARE = {*BEFORE, "ssl_cipher", "ssl_protocol", "target_group_arn", "matched_rule_priority", "request_creation_time"}
BARE |= {"conn_trace_id", "ip_address"}
ESCAPED = client(without="\n").map(escaped)
FORGED_REST = (
    '" C TLSv1.2 arn:x "Root=1" "-" "-" 0 2000-01-01T00:00:00.000000Z "waf" "-" "-" "-" "-" "-" "-" TID_x "-" "-" "-"'
    ' 192.0.2.1 "'
)
FORGED = (*HOSTILE, 'x HTTP/1.1" "', FORGED_REST, '" C TLSv1.2 arn:x "', '" - - - "')
ANY = client(pieces=FORGED)

NOON = datetime(2026, 11, 5, 12)
PLAIN: Record = (
    dict.fromkeys(ORDER) | dict.fromkeys(TIMES, 0.1) | dict.fromkeys(("time", "request_creation_time"), NOON)
)
PLAIN |= {"type": "http", "elb": "app/a/0", "client:port": "203.0.113.9:1", "received_bytes": 1, "sent_bytes": 1}


def records(said: st.SearchStrategy[str]) -> st.SearchStrategy[list[Record]]:
    text = maybe(said)
    return several(
        st.fixed_dictionaries(BEFORE | {"request": text, "user_agent": text} | AFTER | {"redirect_url": maybe(ESCAPED)})
    )


def line(record: Record, more: Sequence[str] = ()) -> str:
    texts = [(plain if field in BARE else quoted)(record[field]) for field in ORDER if field in record]
    return " ".join([*texts, *more])


@QUICK
@given(records(ESCAPED))
def test_lines_with_escaped_quotes_come_back(found: list[Record]) -> None:
    assert_back("alb", found, file_of(map(line, found)))


@QUICK
@given(records(UNAMBIGUOUS))
def test_lines_with_raw_quotes_come_back(found: list[Record]) -> None:
    """Holds where no quote inside the request or the agent stands before a blank."""
    assert_back("alb", found, file_of(map(line, found)))


@QUICK
@given(records(ESCAPED), st.sampled_from((17, 21, 25, 29, 30)))
def test_older_lines_of_fewer_fields_come_back(found: list[Record], count: int) -> None:
    kept = [{field: record[field] for field in ORDER[:count]} for record in found]
    absent = dict.fromkeys(ORDER[count:])
    assert_back("alb", [record | absent for record in kept], file_of(map(line, kept)))


@QUICK
@given(records(ESCAPED), st.lists(WORD, min_size=1, max_size=3))
def test_fields_that_are_not_known_yet_come_back_beside(found: list[Record], more: list[str]) -> None:
    text = file_of(line(record, more) for record in found)
    assert_back("alb", found, text)
    assert [unmapped(row) for row in back("alb", text).rows] == [more] * len(found)


@QUICK
@given(records(ANY))
def test_clients_change_no_value_before_the_request(found: list[Record]) -> None:
    """Outside of the domains above: raw quotes before blanks."""
    assert_unchanged("alb", found, file_of(map(line, found)), tuple(BEFORE))


@QUICK
@given(records(ANY))
@example([PLAIN | {"user_agent": f"x{FORGED_REST}", "ip_address": "10.0.0.9"}])
def test_clients_change_no_value_after_the_agent(found: list[Record]) -> None:
    own = [field for field in AFTER if field != "redirect_url"]
    assert_unchanged("alb", found, file_of(map(line, found)), own)
