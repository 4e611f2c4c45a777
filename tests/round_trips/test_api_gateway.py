"""API Gateway lines come back equal: access logs in the presets CLF, CSV and XML, and execution logs."""

from collections.abc import Callable

from hypothesis import example, given
from hypothesis import strategies as st

from tests.loading import envelope
from tests.round_trips.fields import (
    ADDRESS,
    AT_SECOND,
    COUNT,
    QUICK,
    STATUS,
    UUID,
    Record,
    apache,
    assert_back,
    assert_unchanged,
    client,
    file_of,
    hexes,
    maybe,
    plain,
    several,
)

SESSION = st.text("abXY09_+=.@-", min_size=1, max_size=8).map(lambda name: f"AROAEXAMPLE:{name}")
FIELDS = {
    "ip": ADDRESS,
    **dict.fromkeys(("caller", "user"), maybe(SESSION)),
    "requestTime": AT_SECOND,
    "httpMethod": st.sampled_from(("GET", "POST", "OPTIONS")),
    "resourcePath": st.text("abc/{}+;%é", max_size=8).map(lambda path: f"/{path}"),
    "protocol": st.sampled_from(("HTTP/1.1", "HTTP/2.0")),
    "status": maybe(STATUS),
    "responseLength": maybe(COUNT),
    "requestId": UUID,
    "extendedRequestId": maybe(hexes(11).map(lambda text: f"{text}=")),
}
RECORDS = several(st.fixed_dictionaries(FIELDS))


def texts(record: Record) -> list[str]:
    return [apache(record[field]) if field == "requestTime" else plain(record[field]) for field in FIELDS]


def clf(record: Record) -> str:
    ip, caller, user, at, method, path, protocol, *rest = texts(record)
    return " ".join([ip, caller, user, f'[{at}]"{method}', path, f'{protocol}"', *rest])


def csv(record: Record) -> str:
    return ",".join(texts(record))


def xml(record: Record) -> str:
    inside = [f"<{field}>{text}</{field}>" for field, text in zip(FIELDS, texts(record), strict=True)]
    kept = " ".join(text for text in inside if not text.startswith("<requestId>"))
    return f'<request id="{record["requestId"]}"> {kept}</request>'


@QUICK
@given(RECORDS, st.sampled_from((clf, csv, xml)))
def test_lines_of_the_presets_come_back(found: list[Record], form: Callable[[Record], str]) -> None:
    """Holds for CSV where no value has a comma, which the names of role sessions may have."""
    assert_back("api_gateway", [record | {"kind": "access"} for record in found], file_of(map(form, found)))


@QUICK
@given(RECORDS, st.sampled_from((clf, csv, xml)))
def test_events_of_any_stream_in_the_presets_come_back(found: list[Record], form: Callable[[Record], str]) -> None:
    text = envelope(*map(form, found), group="access", stream="0123456789abcdef").decode()
    assert_back("api_gateway", [record | {"kind": "access"} for record in found], text)


COMMAS = st.text("a,,1.5/:[+", max_size=12).map(lambda name: f"AROAEXAMPLE:{name}")


@QUICK
@given(several(st.fixed_dictionaries(FIELDS | dict.fromkeys(("caller", "user"), COMMAS))))
def test_session_names_with_commas_change_no_value_of_api_gateway(found: list[Record]) -> None:
    """Outside of the domain above."""
    own = [field for field in FIELDS if field not in ("caller", "user")]
    assert_unchanged("api_gateway", found, file_of(map(csv, found)), own)


WORDS = client(without="").map(lambda text: f"{text}.")
SAID = st.sampled_from(("Method request path: ", "Endpoint response body before transformations: ", "")).flatmap(
    lambda begin: WORDS.map(lambda text: f"{begin}{text}")
)
EXECUTION = several(st.builds(lambda request, text: {"requestId": request, "said": text}, UUID, SAID))


@QUICK
@given(EXECUTION)
@example([{"requestId": "8c1f2d3e-1111-2222-3333-444455556666", "said": "Method completed with status: 200"}])
def test_events_of_an_execution_log_come_back(found: list[Record]) -> None:
    """Holds for text that does not end in a line break."""
    lines = [f"({record['requestId']}) {record['said']}" for record in found]
    text = envelope(*lines, group="API-Gateway-Execution-Logs_a1b2c3/prod", stream="0123456789abcdef").decode()
    expected = [
        {"requestId": record["requestId"], "message": line, "kind": "execution"}
        for record, line in zip(found, lines, strict=True)
    ]
    assert_back("api_gateway", expected, text)
